//! The page that people read, written from the raw numbers: nobody types a figure.

use crate::results::{Part, Results, Row, Streams, Table};
use std::fmt::Write;

pub(crate) const BEGIN: &str = "<!-- Written by penstock-bench from bench/results.json; a test compares the two. -->";
pub(crate) const END: &str = "<!-- End of what penstock-bench writes. -->";

pub(crate) const DISK: &str = "penstock, ledger on the disk";
pub(crate) const TMPFS: &str = "penstock, ledger on a tmpfs";
pub(crate) const UNWATCHED: &str = "no console open";
pub(crate) const TEN: &str = "ten consoles open";

/// Puts the tables between the marks of the page.
pub(crate) fn put(page: &str, results: &Results) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n{END}{after}", render(results)))
}

fn render(results: &Results) -> String {
    let Results { gateways, steps, bodies, consoles } = results;
    let mut text = format!("### What was aimed at\n\n{}\n### Side by side\n\n", aims(results));
    text += &[ground(gateways), tables(gateways), memory(gateways), streams(gateways)].concat();
    if !steps.tables.is_empty() {
        text += "### Step by step\n\n";
        text += &[ground(steps), tables(steps)].concat();
    }
    if !bodies.tables.is_empty() {
        text += "### Large bodies, many streams\n\n";
        text += &[ground(bodies), tables(bodies), many(bodies), pictures(bodies), cut(bodies)].concat();
    }
    if !consoles.tables.is_empty() {
        text += "### While people look\n\nThe same gateway, with its ledger on a tmpfs, in windows that take turns: nobody looks, or ten consoles \
                 follow its events and load a page with all that it asks for every five seconds.\n\n";
        text += &[ground(consoles), tables(consoles)].concat();
    }
    text.trim_end().to_owned() + "\n"
}

fn ground(part: &Part) -> String {
    let versions: Vec<String> = part.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let syncs = part.syncs.iter().map(|(disk, sync)| format!("{disk}: p50 {:.0} µs, p99 {:.0} µs", sync.p50, sync.p99));
    format!(
        "{}; windows of {} s. {}. Raw write of 4 KiB and `fdatasync`: {}.\n\n",
        part.machine,
        part.seconds,
        versions.join(", "),
        syncs.collect::<Vec<_>>().join("; ")
    )
}

fn tables(part: &Part) -> String {
    part.tables.iter().map(table).collect()
}

fn table(table: &Table) -> String {
    let Table { connections, bytes, rows } = table;
    let plural = if *connections == 1 { "" } else { "s" };
    let mut text = format!("{connections} connection{plural}, request bodies of {bytes} bytes:\n\n");
    text += "| contender | requests/s | p50 µs | p99 µs | added p50 | added p99 | CPU µs a request | windows |\n";
    text += "|---|---:|---:|---:|---:|---:|---:|---|\n";
    let floor = table.row("direct");
    for row in rows {
        let added = |of: fn(&crate::results::Window) -> f64| match floor {
            Some(floor) if floor.name != row.name => format!("{:.0}", row.median(of) - floor.median(of)),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.0} | {} | {} | {:.0} | {} of {} |",
            row.name,
            row.median(|window| window.per_second),
            row.median(|window| window.p50),
            row.median(|window| window.p99),
            added(|window| window.p50),
            added(|window| window.p99),
            row.median(|window| window.cpu),
            row.whole(),
            row.windows.len(),
        );
    }
    text + "\n"
}

fn memory(part: &Part) -> String {
    let mut text = "Resident memory in MiB, all processes of a contender, before its first call, the most between two \
                    windows, and ten seconds after the last:\n\n| contender | idle | loaded | recovered |\n|---|---:|---:|---:|\n"
        .to_owned();
    for memory in &part.memory {
        let _ =
            writeln!(text, "| {} | {:.1} | {:.1} | {:.1} |", memory.name, memory.idle, memory.loaded, memory.recovered);
    }
    text + "\n"
}

fn streams(part: &Part) -> String {
    let mut text = "Streams, four at a time, with 5 ms between the events of the provider; the end of a stream, which waits for \
                    its record, is one of the times between events:\n\n| contender | first event p50 µs | p99 µs | between events p50 µs | p99 µs | \
                    streams | windows |\n|---|---:|---:|---:|---:|---:|---|\n"
        .to_owned();
    for row in &part.streams {
        if row.windows.is_empty() {
            let _ = writeln!(text, "| {} | answers a stream with an error here | | | | | |", row.name);
            continue;
        }
        let whole = row.windows.iter().filter(|window| window.failed == 0);
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.0} | {:.0} | {:.0} | {} | {} of {} |",
            row.name,
            row.median(|window| window.first_p50),
            row.median(|window| window.first_p99),
            row.median(|window| window.gap_p50),
            row.median(|window| window.gap_p99),
            whole.clone().map(|window| window.streams).sum::<usize>(),
            whole.count(),
            row.windows.len(),
        );
    }
    text + "\n"
}

fn many(part: &Part) -> String {
    let mut text = "Streams begun at the same moment, 100 ms between events:\n\n| contender | streams | not whole | first event p99 ms | \
                    between events p50 ms | p99 ms | resident MiB |\n|---|---:|---:|---:|---:|---:|---:|\n"
        .to_owned();
    for many in &part.many {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.1} | {:.1} | {:.1} | {:.1} |",
            many.name,
            many.streams,
            many.broken,
            many.first_p99 / 1e3,
            many.gap_p50 / 1e3,
            many.gap_p99 / 1e3,
            many.resident
        );
    }
    text + "\n"
}

fn pictures(part: &Part) -> String {
    let Some(pictures) = &part.pictures else { return String::new() };
    format!(
        "{} calls at once with a picture each, {:.1} MiB of body: {} failed; resident {:.1} MiB before, at most {:.1} MiB, and \
         {:.1} MiB ten seconds later.\n\n",
        pictures.calls, pictures.body, pictures.failed, pictures.before, pictures.most, pictures.after
    )
}

fn cut(part: &Part) -> String {
    let Some(cut) = &part.cut else { return String::new() };
    format!(
        "{} streams under way, with one event a second, while somebody runs `penstock isolate everything`: half of them have ended \
         {:.0} ms after the command was started, all after {:.0} ms, and the command after {:.0} ms; {} did not say why.\n\n",
        cut.streams, cut.half, cut.all, cut.command, cut.missed
    )
}

/// One aim: in words, what was measured, and whether that reaches it.
struct Aim(String, String, bool);

fn aims(results: &Results) -> String {
    let mut text = "| aim | measured | reached |\n|---|---|---|\n".to_owned();
    let all = [
        alone(results),
        together(results),
        briefly(results),
        flowing(results),
        shut(results),
        large(results),
        watched(&results.consoles),
    ];
    for Aim(aim, measured, reached) in all.into_iter().flatten().flatten() {
        let _ = writeln!(text, "| {aim} | {measured} | {} |", if reached { "yes" } else { "**no**" });
    }
    text
}

fn most(aim: &str, value: f64, limit: f64, unit: &str) -> Aim {
    Aim(format!("{aim}: at most {}{unit}", short(limit)), format!("{}{unit}", short(value)), value <= limit)
}

fn least(aim: &str, value: f64, limit: f64, unit: &str) -> Aim {
    Aim(format!("{aim}: at least {}{unit}", short(limit)), format!("{}{unit}", short(value)), value >= limit)
}

fn short(value: f64) -> String {
    if value.abs() >= 20.0 || value == value.round() { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn at(part: &Part, connections: usize) -> Option<&Table> {
    part.tables.iter().find(|table| table.connections == connections)
}

/// With one connection.
fn alone(results: &Results) -> Option<Vec<Aim>> {
    let table = at(&results.gateways, 1)?;
    let floor = table.row("direct")?;
    let added = |row: &Row, of: fn(&crate::results::Window) -> f64| row.median(of) - floor.median(of);
    let (tmpfs, disk) = (table.row(TMPFS)?, table.row(DISK)?);
    let sync = results.gateways.syncs.get("disk")?;
    let names = ["one connection, ledger on a tmpfs, added p50", "the same, added p99"];
    Some(vec![
        most(names.first()?, added(tmpfs, |window| window.p50), 300.0, " µs"),
        most(names.get(1)?, added(tmpfs, |window| window.p99), 1000.0, " µs"),
        most(
            "ledger on the disk, added p50: 300 µs and two syncs",
            added(disk, |window| window.p50),
            300.0 + 2.0 * sync.p50,
            " µs",
        ),
    ])
}

/// With 64 connections.
fn together(results: &Results) -> Option<Vec<Aim>> {
    let table = at(&results.gateways, 64)?;
    let (disk, tmpfs) = (table.row(DISK)?, table.row(TMPFS)?);
    let mut aims = Vec::new();
    for (name, limit) in [("nginx", 0.5), ("litellm", 100.0), ("portkey", 15.0)] {
        if let Some(other) = table.row(name) {
            let rate = |row: &Row| row.median(|window| window.per_second);
            aims.push(least(
                &format!("64 connections, ledger on the disk, requests/s against {name}"),
                rate(disk) / rate(other),
                limit,
                " times",
            ));
        }
    }
    if let Some(nginx) = table.row("nginx") {
        let cpu = |row: &Row| row.median(|window| window.cpu);
        aims.push(most("CPU a request against nginx, ledger on the disk", cpu(disk) / cpu(nginx), 3.0, " times"));
        aims.push(most("CPU a request against nginx, ledger on a tmpfs", cpu(tmpfs) / cpu(nginx), 3.0, " times"));
    }
    aims.extend(unread(&results.steps));
    Some(aims)
}

/// With 64 connections and prompts of 1 KiB.
fn briefly(results: &Results) -> Option<Vec<Aim>> {
    let table = results.gateways.tables.iter().filter(|table| table.connections == 64).nth(1)?;
    let (floor, nginx) = (table.row("direct")?, table.row("nginx")?);
    let (disk, tmpfs) = (table.row(DISK)?, table.row(TMPFS)?);
    let rate = |row: &Row| row.median(|window| window.per_second);
    let added = tmpfs.median(|window| window.p99) - floor.median(|window| window.p99);
    Some(vec![
        most("64 connections, prompts of 1 KiB, ledger on a tmpfs, added p99", added / 1e3, 5.0, " ms"),
        least("the same, requests/s against nginx", rate(tmpfs) / rate(nginx), 1.0 / 3.0, " times"),
        least("the same, ledger on the disk", rate(disk) / rate(nginx), 1.0 / 3.0, " times"),
    ])
}

/// What reading costs.
fn unread(steps: &Part) -> Option<Aim> {
    let table = at(steps, 64)?;
    let rate = |name: &str| Some(table.row(name)?.median(|window| window.per_second));
    let gain = rate("nothing read (`opaque`)")? / rate("everything on")? - 1.0;
    Some(most("what switching inspection off gains in requests/s", gain * 100.0, 25.0, " %"))
}

/// Streams.
fn flowing(results: &Results) -> Option<Vec<Aim>> {
    let of = |name: &str| results.gateways.streams.iter().find(|row| row.name == name);
    let (floor, tmpfs) = (of("direct")?, of(TMPFS)?);
    let added =
        |of: fn(&crate::results::StreamWindow) -> f64| (Streams::median(tmpfs, of) - Streams::median(floor, of)) / 1e3;
    let mut aims = vec![
        most("streams, added time to the first event, p99", added(|window| window.first_p99), 1.0, " ms"),
        most("streams, added time between events, p50", added(|window| window.gap_p50), 0.2, " ms"),
        most("streams, added time between events, p99", added(|window| window.gap_p99), 0.2, " ms"),
    ];
    if let Some(many) = results.bodies.many.iter().find(|many| many.name == TMPFS) {
        let measured = format!("{} of {}", many.streams - many.broken, many.streams);
        aims.push(Aim("1,024 streams at once, whole".to_owned(), measured, many.broken == 0 && many.streams >= 1024));
    }
    Some(aims)
}

/// The gate shut by hand.
fn shut(results: &Results) -> Option<Vec<Aim>> {
    let cut = results.bodies.cut.as_ref().filter(|cut| cut.missed == 0)?;
    let what = format!("{} streams under way, all cut after `penstock isolate`", cut.streams);
    Some(vec![most(&what, cut.all, 100.0, " ms")])
}

/// With people who look.
fn watched(consoles: &Part) -> Option<Vec<Aim>> {
    let rise = |table: &Table| {
        let p99 = |name: &str| Some(table.row(name)?.median(|window| window.p99));
        let rise = (p99(TEN)? / p99(UNWATCHED)? - 1.0) * 100.0;
        let plural = if table.connections == 1 { "" } else { "s" };
        Some(most(
            &format!("ten consoles open, {} connection{plural}, rise of p99", table.connections),
            rise,
            10.0,
            " %",
        ))
    };
    consoles.tables.iter().map(rise).collect()
}

fn large(results: &Results) -> Option<Vec<Aim>> {
    let mut aims: Vec<Aim> = long(&results.bodies).into_iter().collect();
    if let Some(pictures) = &results.bodies.pictures {
        let whole = pictures.calls - pictures.failed;
        let measured = format!("{whole} of {}", pictures.calls);
        aims.push(Aim("64 pictures of 20 MiB at once, whole".to_owned(), measured, pictures.failed == 0));
        let times = (pictures.most - pictures.before) / (pictures.body * whole as f64);
        aims.push(most("the same, memory against their bytes", times, 2.5, " times"));
    }
    if let Some(memory) = results.gateways.memory.iter().find(|memory| memory.name == TMPFS) {
        aims.push(most("idle memory", memory.idle * 1.048_576, 40.0, " MB"));
    }
    Some(aims)
}

fn long(bodies: &Part) -> Option<Aim> {
    let table = bodies.tables.first()?;
    let p50 = |name: &str| Some(table.row(name)?.median(|window| window.p50));
    Some(most("a prompt of 100 KiB, added p50", (p50(TMPFS)? - p50("direct")?) / 1e3, 3.0, " ms"))
}

#[cfg(test)]
mod tests {
    use super::put;
    use crate::results::Results;

    #[test]
    fn the_page_says_what_was_measured() {
        let results: Results = serde_json::from_str(include_str!("../results.json")).unwrap();
        let page = include_str!("../../docs/src/reference/performance.md");
        let fresh = put(page, &results).unwrap();
        assert!(fresh == page, "write it anew: cargo run -p penstock-bench -- --part none");
    }
}
