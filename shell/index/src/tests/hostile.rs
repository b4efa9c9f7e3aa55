//! Questions that want more than to read.

use super::{Told, ask, open, write};
use crate::{Index, Limits, QueryError};
use std::process::Command;
use std::time::Duration;

fn house() -> (tempfile::TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..300);
    let index = open(folder.path());
    (folder, index)
}

#[test]
fn a_question_can_only_read_the_views() {
    let (folder, index) = house();
    let beside = folder.path().join("beside.sqlite");
    let attach = format!("attach '{}' as beside", beside.display());
    let vacuum = format!("vacuum into '{}'", beside.display());
    for question in [
        attach.as_str(),
        vacuum.as_str(),
        "vacuum",
        "detach main",
        "pragma user_version",
        "pragma query_only = off",
        "pragma table_info(records)",
        "select * from pragma_table_info('records')",
        "select count(*) from pragma_database_list",
        "select count(*) from pragma_function_list",
        "select * from sqlite_master",
        "select count(*) from sqlite_schema",
        "select count(*) from SQLITE_MASTER",
        "select 1 from main.Sqlite_Master",
        "select count(*) from (select 1 from sqlite_master)",
        "select exists (select * from DBSTAT)",
        "select count(*) from fts5vocab",
        "select 1 from main.sqlite_master",
        "select * from sqlite_temp_master",
        "with records as (select * from sqlite_master) select * from records",
        "select * from sqlite_stat1",
        "select count(*) from dbstat",
        "select * from sqlite_dbpage",
        "create table t (a)",
        "create temp table t (a)",
        "create temp view v as select 1",
        "create virtual table t using fts5(a)",
        "create temp trigger t instead of insert on records begin select 1; end",
        "drop view records",
        "alter table stored_records rename to x",
        "delete from stored_records",
        "insert into stored_records (seq) values (1)",
        "insert into stored_records (seq) values (1) returning seq",
        "update stored_records set seq = 1",
        "replace into stored_tools values (1, 'x')",
        "reindex",
        "analyze",
        "begin",
        "begin immediate",
        "commit",
        "savepoint a",
        "select load_extension('/tmp/x.so')",
        "select readfile('/etc/passwd')",
        "select writefile('/tmp/x', 'x')",
        "select edit('x')",
        "select fts3_tokenizer('simple')",
        "select fts5(1)",
        "select sqlite_compileoption_get(1)",
        "select sqlite_version()",
        "select randomblob(1000000000)",
        "select zeroblob(1000000000)",
        "select random()",
        "select last_insert_rowid()",
        "select * from generate_series(1, 10)",
        "select 1; delete from stored_records",
        "select 1; select 2",
        "explain delete from stored_records",
        "",
        " ; -- nothing",
        "select seq from records where \"cell-1\" = zone",
        "select '",
        "select ?1",
        "select \0 1",
        "\u{202e}select 1",
    ] {
        let answer = ask(&index, question);
        assert!(answer.is_err(), "{question}: {answer:?}");
    }
    assert!(!beside.exists());
    assert_eq!(ask(&index, "select count(*) from records").unwrap().len(), 1);
}

#[test]
fn what_was_refused_is_named() {
    let (_folder, index) = house();
    let said = |question: &str| ask(&index, question).unwrap_err().to_string();
    assert_eq!(said("select * from sqlite_master"), "the question reads `sqlite_master`, which is none of the views");
    assert_eq!(said("select load_extension('x')"), "the question calls `load_extension`, which is not admitted here");
    assert_eq!(said("delete from stored_records"), "the question does more than read");
    assert_eq!(said("select 1; select 2"), "one question at a time: there is more after the first `;`");
    assert_eq!(said("select verdickt from records"), "no such column: verdickt");
    assert_eq!(said("-- none"), "there is no question");
}

#[test]
fn a_question_that_takes_too_much_ends() {
    let (_folder, index) = house();
    let limits = Limits { time: Duration::from_millis(200), rows: 50 };
    let asked = |question: &str| index.ask(question, &limits, &mut Told::default()).unwrap_err();
    let endless = "with recursive n(a) as (select 1 union all select a + 1 from n)";
    let begun = std::time::Instant::now();
    let error = asked(&format!("{endless} select count(*) from n"));
    assert!(matches!(error, QueryError::TooSlow(_)), "{error}");
    assert!(matches!(
        asked("select count(*) from records a, records b, records c, records d where a.t + b.t + c.t + d.t < 0"),
        QueryError::TooSlow(_)
    ));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(matches!(asked(&format!("{endless} select a from n")), QueryError::TooMany(50)));
    assert!(matches!(asked("select printf('%.*c', 1000000000, 'x')"), QueryError::TooLarge(_)));
    assert!(matches!(
        asked("select replace(printf('%.*c', 99999, 'x'), 'x', 'xxxxxxxxxxxx')"),
        QueryError::TooLarge(_)
    ));
    assert!(matches!(asked(&format!("select '{}'", "x".repeat(70_000))), QueryError::TooLarge(_)));
    let deep = format!("select {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(matches!(asked(&deep), QueryError::Wrong(_)));
    let wide = format!("select {}1", "1,".repeat(300));
    assert!(matches!(asked(&wide), QueryError::Wrong(_)));
    let many = format!("select 1{}", " union all select 1".repeat(50));
    assert!(matches!(asked(&many), QueryError::Wrong(_)));
    assert_eq!(ask(&index, "select 1").unwrap(), ["1"]);
}

const ALONE: &str = "PENSTOCK_INDEX_ALONE";

#[test]
fn memory_has_a_limit() {
    if std::env::var_os(ALONE).is_none() {
        // The limit is for the whole process: in one of its own, so that it does not stop the tests beside this one.
        let own = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::hostile::memory_has_a_limit"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        assert!(own.status.success(), "{}", String::from_utf8_lossy(&own.stdout));
        return;
    }
    let (_folder, index) = house();
    let limits = Limits { time: Duration::from_secs(60), rows: 10 };
    let question = "with recursive n(a) as (select 1 union all select a + 1 from n)
        select count(*) from (select distinct printf('%.*c', 900000, 'x') || a from n limit 2000)";
    let error = index.ask(question, &limits, &mut Told::default()).unwrap_err();
    assert!(matches!(error, QueryError::TooLarge(_)), "{error}");
    assert_eq!(ask(&index, "select 1").unwrap(), ["1"]);
}

#[test]
fn what_a_question_needs_is_there() {
    let (_folder, index) = house();
    for question in [
        "select zone, count(*) as calls from records group by zone having calls > 1 order by calls desc, zone limit 5",
        "select r.seq, o.status from records r join records o on o.ref = r.id where r.kind = 'intent'",
        "select label, sum(count) from findings group by label",
        "select tool, count(*) from tools join records using (seq) where verdict = 'allow' group by tool",
        "select rule from rules union select 'none'",
        "select seq, lag(seq) over (order by seq), rank() over (partition by zone order by t) from records limit 3",
        "select note ->> 'origin' from records where kind = 'genesis'",
        "select key, value from records, json_each(note) where kind = 'genesis'",
        "select strftime('%Y-%m', time) as month, round(avg(us) / 1000.0, 1) from records group by month",
        "select max(us) filter (where status = 200), group_concat(distinct kind) from records",
        "values (1), (2)",
        "select count(*) from RECORDS",
        "with busy as (select zone from records) select count(*) from busy",
        "explain query plan select * from records where id = 'x'",
        "select 1; -- that is all",
    ] {
        let answer = ask(&index, question);
        assert!(answer.is_ok(), "{question}: {answer:?}");
    }
}
