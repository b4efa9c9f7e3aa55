"""Parquet files of a real gateway's ledger: other engines answer questions as `penstock sql` does.

DuckDB always; Spark where PENSTOCK_SPARK names a Python that has the package `pyspark`, as `./test engines` does.
"""

import json
import os
import pty
import subprocess

import duckdb
import pytest

from conftest import BINARIES, DEADLINE, Plant

VIEWS = ("records", "findings", "tools", "rules")

# What is said, and to whom, in turn: allowed, tokenised, redacted, rerouted, refused.
SAID = (
    "Why does the filler foam?",
    "TIC-101 and PIC-4711 drift, TIC-101 more",
    "write to anna.berger@works.example and to b.costa@works.example",
    "the key is AKIAIOSFODNN7EXAMPLE and the secret wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "grease the bearing of pump P-7",
)
WHERE = (
    ("/openai/v1/chat/completions", "gpt-4o-mini"),
    ("/openai/v1/chat/completions", "gpt-4o"),
    ("/anthropic/v1/messages", "claude-sonnet"),
    ("/edge/v1/chat/completions", "qwen-edge"),
)
TOOLS = ("read_tag", "open_ticket", "find_manual")
CALLS = 300

# In the SQL that all three speak. Rows are compared without their order: engines differ in where they put nulls.
QUESTIONS = (
    "select count(*), min(seq), max(seq), count(distinct leaf), count(distinct id) from records",
    "select kind, verdict, count(*) from records group by kind, verdict",
    "select workload, provider, model, count(*), sum(request_bytes) from records where kind = 'intent' group by workload, provider, model",
    "select conduit, sensitivity, max(findings), sum(findings) from records group by conduit, sensitivity",
    "select substr(time, 1, 10), zone, reason, count(*) from records group by substr(time, 1, 10), zone, reason",
    "select i.provider, i.verdict, o.status, count(*), sum(o.input_tokens), sum(o.output_tokens), max(o.us)"
    " from records i join records o on o.ref = i.id group by i.provider, i.verdict, o.status",
    "select label, count(distinct seq), sum(count) from findings group by label having sum(count) > 1",
    "select f.label, r.verdict, count(*) from findings f join records r on r.seq = f.seq group by f.label, r.verdict",
    "select tool, count(*) from tools group by tool",
    "select rule, verdict, count(*) from rules join records using (seq) group by rule, verdict",
    "select seq, leaf, id, ref, t, time, peer, note from records",
    "select count(*) from records i where i.kind = 'intent' and not exists (select 1 from records o where o.ref = i.id)",
)

SPARK = """
import json, sys
from pyspark.sql import SparkSession

folder, views, questions = json.load(sys.stdin)
settings = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2", "spark.sql.warehouse.dir": folder + "/warehouse"}
spark = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
for view in views:
    spark.read.parquet(f"{folder}/{view}.parquet").createOrReplaceTempView(view)
print(json.dumps([[list(row) for row in spark.sql(question).collect()] for question in questions]))
spark.stop()
"""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory, provider):
    """The ledger of a gateway that had 300 calls and was stopped."""
    plant = Plant(tmp_path_factory.mktemp("engines") / "works", provider)
    plant.start()
    tokens = [plant.token("copilot"), plant.token("planner"), "nobody's"]
    with plant.client() as client:
        for call in range(CALLS):
            place, model = WHERE[call % len(WHERE)]
            body = {"model": model, "max_tokens": 99, "messages": [{"role": "user", "content": SAID[call % len(SAID)]}]}
            if call % 7 == 0 and "messages" not in place:
                body["tools"] = [{"type": "function", "function": {"name": tool}} for tool in TOOLS[: call % 3 + 1]]
            bearer = {"Authorization": f"Bearer {tokens[0 if call % 11 else call % 3]}"}
            client.post(plant.base + place, json=body, headers=bearer)
    plant.stop()
    return plant.folder / "ledger"


def penstock(*arguments):
    done = subprocess.run([BINARIES / "penstock", *map(str, arguments)], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def files(ledger, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parquet")
    for view in VIEWS:
        penstock("export", ledger, "--format", "parquet", "--view", view, "--out", folder / f"{view}.parquet")
    return folder


@pytest.fixture(scope="module")
def answers(ledger):
    """What `penstock sql` says, each answer a list of rows."""
    said = [json.loads(penstock("sql", ledger, question, "--json")) for question in QUESTIONS]
    return [comparable([list(row.values()) for row in rows]) for rows in said]


def comparable(rows):
    return sorted(json.dumps(row) for row in rows)


def test_the_questions_are_about_hundreds_of_records_of_every_sort(answers):
    records = json.loads(answers[0][0])
    assert records[0] > 500 and records[0] == records[3] == records[4] == records[2] + 1
    verdicts = {json.loads(row)[1] for row in answers[1]}
    assert verdicts >= {"allow", "tokenise", "redact", "refuse", None}, verdicts
    assert min(map(len, answers)) >= 1 and sum(map(len, answers)) > 600


def test_duckdb_gives_the_same_answers(files, answers):
    engine = duckdb.connect()
    for view in VIEWS:
        engine.sql(f"create view {view} as select * from '{files}/{view}.parquet'")
    for question, answer in zip(QUESTIONS, answers):
        assert comparable([list(row) for row in engine.sql(question).fetchall()]) == answer, question


@pytest.mark.skipif("PENSTOCK_SPARK" not in os.environ, reason="PENSTOCK_SPARK names no Python with pyspark")
def test_spark_gives_the_same_answers(files, answers):
    command = [os.environ["PENSTOCK_SPARK"], "-c", SPARK]
    environment = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": command[0]}
    asked = json.dumps([str(files), VIEWS, QUESTIONS])
    done = subprocess.run(command, input=asked, env=environment, capture_output=True, text=True, timeout=300, cwd=files)
    assert done.returncode == 0, done.stderr
    for question, answer, rows in zip(QUESTIONS, answers, json.loads(done.stdout), strict=True):
        assert comparable(rows) == answer, question


def test_the_file_names_the_head_that_verify_proves(ledger, files):
    head = json.loads(penstock("verify", ledger, "--json"))["checkpoint"]
    said = duckdb.sql(f"select key, value from parquet_kv_metadata('{files}/records.parquet')").fetchall()
    said = {bytes(key).decode(): bytes(value).decode() for key, value in said}
    assert said == {"penstock.origin": head["origin"], "penstock.size": str(head["size"]), "penstock.root": head["root"]}


def test_a_filter_holds_in_the_file(ledger, files, tmp_path):
    penstock("export", ledger, "--format", "parquet", "--verdict", "refuse", "--out", tmp_path / "refused.parquet")
    some, all = (duckdb.sql(f"select * from '{path}' where verdict = 'refuse' order by seq").fetchall()
                 for path in (tmp_path / "refused.parquet", files / "records.parquet"))
    assert some == all and len(all) > 10
    assert duckdb.sql(f"select count(*) from '{tmp_path}/refused.parquet'").fetchall() == [(len(all),)]


def test_a_terminal_gets_no_binary(ledger):
    ours, theirs = pty.openpty()
    command = [BINARIES / "penstock", "export", ledger, "--format", "parquet"]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
    os.close(theirs)
    with pytest.raises(OSError):  # Nobody wrote to it, and nobody can any more.
        os.read(ours, 1)
    os.close(ours)
    assert done.returncode == 1 and "--out FILE" in done.stderr, done.stderr
