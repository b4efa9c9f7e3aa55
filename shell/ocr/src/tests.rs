//! What the engine reads, and what becomes of one that misbehaves.

use crate::{Area, Engine, Page, Settings, Unread, Unusable, confinement};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a machine under load.
const LONG: Duration = Duration::from_secs(120);

fn settings(command: impl Into<PathBuf>) -> Settings {
    Settings {
        command: command.into(),
        models: None,
        languages: vec!["eng".to_owned()],
        time: LONG,
        call_time: LONG,
        memory: 512 << 20,
        at_once: 2,
        remember: LONG,
    }
}

/// An engine that is a script.
fn script(folder: &Path, text: &str) -> Settings {
    let path = folder.join("engine");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    settings(path)
}

fn page(width: u32, height: u32, scale: u32) -> Option<Page> {
    Some(Page { width, height, pixels: vec![255; (width * height) as usize], scale })
}

fn blank() -> Option<Page> {
    page(64, 64, 100)
}

fn read(settings: Settings) -> Result<String, Unread> {
    Engine::new(settings).read(&[0; 32], blank, Instant::now() + LONG).map(|writing| writing.text.clone())
}

/// A row of a table that says one word.
const ROW: &str = r"printf '5\t1\t1\t1\t1\t1\t40\t20\t80\t30\t91.5\t%s\n'";

#[test]
fn what_an_engine_writes_is_read_line_by_line_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let table = "5\t1\t1\t1\t1\t1\t40\t20\t80\t30\t96.1\tTIC-101\n5\t1\t1\t1\t1\t2\t130\t22\t60\t30\t91\t185.0\n\
                 5\t1\t1\t1\t2\t1\t40\t80\t20\t30\t5\tgrain\n5\t1\t2\t1\t1\t1\t400\t200\t20\t30\t88.25\t12\n5\t1\t2\t1\t1\t2\t430\t200\t20\t30\t88\tI/min\n";
    fs::write(
        folder.path().join("engine.tsv"),
        format!("level\tpage_num\n4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n{table}"),
    )
    .unwrap();
    let table = folder.path().join("engine.tsv");
    let models = Settings {
        models: Some(table.clone()),
        ..script(folder.path(), &format!("cat >/dev/null; cat {}", table.display()))
    };
    let page = || page(64, 64, 200);
    let writing = Engine::new(models).read(&[0; 32], page, Instant::now() + LONG).unwrap();
    assert_eq!(writing.text, "TIC-101 185.0\n12 l/min", "what the engine is not sure of is left out");
    assert_eq!(writing.area(9), Some(Area { left: 20, top: 10, width: 75, height: 16 }), "{:?}", writing.lines);
    assert_eq!(writing.area(14).map(|area| area.left), Some(200));
}

#[test]
fn an_engine_gets_the_pixels_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let told = format!(
        "set -- \"$(head -c 15 | tr '\\n' ' ')\" \"$@\"; cat >/dev/null; {ROW} \"$1,$#,$HOME,$OMP_THREAD_LIMIT\""
    );
    assert_eq!(read(script(folder.path(), &told)).unwrap(), "P5 64 64 255 \u{fffd}\u{fffd},11,,1");
}

#[test]
fn an_engine_that_hangs_is_gone_by_its_deadline_and_so_is_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    for hangs in [
        "sleep 1000",
        "sleep 1000 & sleep 1000",
        "cat >/dev/null; sleep 1000",
        "exec sleep 1000",
        "while :; do :; done",
    ] {
        let settings = Settings { time: Duration::from_millis(300), ..script(folder.path(), hangs) };
        // More than a pipe holds, so that handing it over hangs as well.
        let page = || page(1024, 1024, 100);
        let read = Engine::new(settings).read(&[0; 32], page, Instant::now() + LONG);
        assert!(matches!(read, Err(Unread::TooSlow | Unread::Failed)), "{hangs}: {read:?}");
    }
}

#[test]
fn an_engine_that_fails_has_read_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let row = format!("{ROW} TIC-101");
    for fails in [format!("{row}; exit 3"), format!("{row}; exec /bin/false"), format!("cat >/dev/null; {row}; exit 1")]
    {
        assert_eq!(read(script(folder.path(), &fails)), Err(Unread::Failed), "{fails}");
    }
    assert_eq!(read(settings(folder.path().join("nowhere"))), Err(Unread::NoEngine));
    assert_eq!(read(settings("/dev/null")), Err(Unread::NoEngine));
    // One that reads nothing of a page says what it says.
    assert_eq!(read(script(folder.path(), &row)).unwrap(), "TIC-101");
}

#[test]
fn an_engine_has_its_limits_before_it_has_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    // It says what it has once the first byte has come.
    let limits =
        format!("head -c 1 >/dev/null; {ROW} \"$(ulimit -v),$(ulimit -c),$(ulimit -n),$(ulimit -t)\"; cat >/dev/null");
    let settings = Settings { time: Duration::from_secs(90), ..script(folder.path(), &limits) };
    assert_eq!(read(settings).unwrap(), format!("{},0,64,91", 512 << 10));
    let floods = "cat >/dev/null; while :; do printf '%10000s' x || exit 1; done";
    assert_eq!(read(script(folder.path(), floods)), Err(Unread::Failed));
    let long = format!("cat >/dev/null; {ROW} \"$(head -c 2000000 /dev/urandom | od -An -tx1 | tr -d ' \\n')\"");
    assert_eq!(read(script(folder.path(), &long)), Err(Unread::TooLarge));
}

#[test]
fn an_engine_opens_nothing_of_the_plants_and_reaches_nobody() {
    let holds = confinement();
    assert!(holds.calls, "this machine filters no calls");
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("plant.key");
    fs::write(&key, "secret").unwrap();
    let open = format!("cat >/dev/null; cat {} || exit 1", key.display());
    if holds.files {
        assert_eq!(read(script(folder.path(), &open)), Err(Unread::Failed));
        let write = format!("cat >/dev/null; echo gone > {} || exit 1", key.display());
        assert_eq!(read(script(folder.path(), &write)), Err(Unread::Failed));
        assert_eq!(fs::read_to_string(&key).unwrap(), "secret");
    }
    // The shell's own `kill`, of the process that started it.
    assert_eq!(read(script(folder.path(), "cat >/dev/null; kill -TERM $PPID || exit 1")), Err(Unread::Failed));
    assert_eq!(
        read(script(folder.path(), "cat >/dev/null; prlimit --pid $PPID --nofile=1 || exit 1")),
        Err(Unread::Failed)
    );
    let python = "cat >/dev/null; python3 -c 'import socket; socket.socket()' || exit 1";
    assert_eq!(read(script(folder.path(), python)), Err(Unread::Failed));
}

#[test]
fn what_was_read_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::new(script(folder.path(), &format!("cat >/dev/null; {ROW} $$")));
    let once = |key: u8| engine.read(&[key; 32], blank, Instant::now() + LONG).unwrap();
    let first = once(1);
    assert!(Arc::ptr_eq(&first, &once(1)) && Arc::ptr_eq(&first, &engine.recall(&[1; 32]).unwrap()));
    assert_ne!(first.text, once(2).text);
    assert!(engine.recall(&[3; 32]).is_none());
}

#[test]
fn few_engines_run_at_a_time_and_few_wait() {
    let folder = tempfile::tempdir().unwrap();
    // A named pipe that nobody writes to holds it until the test lets go.
    let engine = Engine::new(Settings { at_once: 1, ..script(folder.path(), "cat >/dev/null; echo") });
    let held = engine.place(Instant::now()).unwrap();
    let soon = Instant::now() + Duration::from_millis(20);
    assert_eq!(engine.read(&[0; 32], blank, soon).unwrap_err(), Unread::TooSlow);
    std::thread::scope(|scope| {
        let waits = || engine.read(&[0; 32], blank, Instant::now() + LONG);
        let waiting: Vec<_> = (0..crate::WAITING).map(|_| scope.spawn(waits)).collect();
        while crate::held(&engine.places).waiting < crate::WAITING {
            std::thread::yield_now();
        }
        assert_eq!(waits().unwrap_err(), Unread::Busy);
        drop(held);
        assert!(waiting.into_iter().all(|one| one.join().unwrap().is_ok()));
    });
    let places = crate::held(&engine.places);
    assert_eq!((places.taken, places.waiting), (0, 0));
}

#[test]
fn an_engine_says_which_models_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let try_out = |text: &str| Engine::new(script(folder.path(), text)).try_out();
    assert_eq!(try_out("echo 'List of models (2):'; echo deu; echo eng"), Ok(()));
    let lacks = try_out("echo 'List of models (2):'; echo deu; echo osd").unwrap_err();
    assert!(lacks.to_string().ends_with("has no model `eng`; it has deu, osd"), "{lacks}");
    assert!(try_out("echo").unwrap_err().to_string().ends_with("it has none"));
    assert!(matches!(try_out("exit 1"), Err(Unusable::Engine { why: "does not say which models it has", .. })));
    let absent = Engine::new(settings("/nowhere/tesseract")).try_out().unwrap_err();
    assert_eq!(absent.to_string(), "`/nowhere/tesseract` does not start");
    assert_eq!(Engine::new(settings("/usr/bin/tesseract")).try_out(), Ok(()));
}
