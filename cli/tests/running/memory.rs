//! What large calls cost a gateway in memory, as the system counts it: at the peak, and afterwards.
//!
//! Bodies of 20 MiB, as pictures come: in a data URL, with and without what is taken out of it, in a form. What the kernel
//! says of the process counts (`VmHWM`, proc(5)), so nothing is left out, and nothing of the test is in it.

use crate::house::House;
use std::fs;
use std::time::{Duration, Instant};

/// Size of a body.
const LARGE: usize = 20 << 20;
/// Calls at once.
const MANY: usize = 8;
/// What the process may vary by for reasons of its own: threads, buffers of connections.
const SLACK: usize = 8 << 20;
/// What may stay, whatever came: pages that the allocator keeps for each thread. Less than all the calls take that came one
/// after the other, so that what each leaves behind would show.
const STAYS: usize = 56 << 20;

impl House {
    /// Sends a call that must pass.
    fn passes(&self, path: &str, kind: &str, body: &[u8]) {
        let answer = self.call(path, kind, body);
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }

    /// A line of what the kernel says of the process, in bytes.
    fn status(&self, line: &str) -> usize {
        let text = fs::read_to_string(format!("/proc/{}/status", self.process())).unwrap();
        let kib = text.lines().find_map(|own| own.strip_prefix(line)?.strip_prefix(':')?.trim().strip_suffix(" kB"));
        kib.unwrap().trim().parse::<usize>().unwrap() << 10
    }

    /// By how much memory rises while this is done, in bytes.
    fn rise(&self, work: impl FnOnce()) -> usize {
        // proc(5): 5 sets the peak back to what is resident now.
        fs::write(format!("/proc/{}/clear_refs", self.process()), "5").unwrap();
        let before = self.status("VmRSS");
        work();
        self.status("VmHWM") - before
    }

    /// Waits until no more than this is resident.
    fn settles(&self, most: usize) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.status("VmRSS") > most {
            assert!(Instant::now() < end, "{} MiB stay of {}", self.status("VmRSS") >> 20, most >> 20);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A PNG of one chunk of noise that is this long, with a text in front of it or without.
fn png(bytes: usize, text: &str) -> Vec<u8> {
    let chunk =
        |kind: &[u8], data: &[u8]| [&u32::try_from(data.len()).unwrap().to_be_bytes(), kind, data, &[0; 4]].concat();
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(bytes)
    .collect();
    let text = if text.is_empty() { Vec::new() } else { chunk(b"tEXt", text.as_bytes()) };
    let head = chunk(b"IHDR", b"\0\0\x04\0\0\0\x04\0\x08\x02\0\0\0");
    [b"\x89PNG\r\n\x1a\n".to_vec(), head, text, chunk(b"IDAT", &noise), chunk(b"IEND", b"")].concat()
}

fn chat(picture: &[u8], slash: &str) -> Vec<u8> {
    let url = format!("data:image/png;base64,{}", seal::base64(picture).replace('/', slash));
    let part = format!(r#"{{"type":"image_url","image_url":{{"url":"{url}"}}}}"#);
    let text = r#"{"type":"text","text":"Is the seal intact?"}"#;
    format!(r#"{{"model":"gpt-4o","messages":[{{"role":"user","content":[{text},{part}]}}]}}"#).into_bytes()
}

#[test]
fn a_large_body_costs_at_most_two_and_a_half_times_its_bytes_and_gives_them_back() {
    let house = House::new("\n[labels]\n\"attachment.opaque\" = \"internal\"\n");
    house.passes("chat/completions", "application/json", &chat(&png(1000, ""), "/"));
    let rest = house.status("VmRSS");
    let form = |picture: &[u8]| {
        let head = "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-4o\r\n--x\r\nContent-Disposition: \
                    form-data; name=\"image\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n";
        [head.as_bytes(), picture, b"\r\n--x--\r\n"].concat()
    };
    let (bare, telling) = (png(LARGE / 4 * 3, ""), png(LARGE / 4 * 3, "Author\0the third shift"));
    type Case<'a> = (&'a str, &'a str, &'a str, Vec<u8>);
    let json = "application/json";
    let cases: [Case<'_>; 5] = [
        ("a picture", "chat/completions", json, chat(&bare, "/")),
        ("a picture that is stripped", "chat/completions", json, chat(&telling, "/")),
        ("a picture with escaped slashes", "chat/completions", json, chat(&telling, "\\/")),
        ("a picture in a form", "images/edits", "multipart/form-data; boundary=x", form(&telling)),
        ("a picture in lines", "chat/completions", json, chat(&telling, "/\\n")),
    ];
    for (what, path, kind, body) in &cases {
        holds(what, house.rise(|| house.passes(path, kind, body)), body.len());
        house.settles(rest + STAYS);
    }
    // Many at once, each of them stripped.
    let (_, path, kind, body) = &cases[1];
    let rise = house.rise(|| {
        std::thread::scope(|scope| {
            for _ in 0..MANY {
                scope.spawn(|| house.passes(path, kind, body));
            }
        });
    });
    holds("many at once", rise, MANY * body.len());
    // More threads have read, and keep more.
    house.settles(rest + MANY * body.len() / 2);
}

/// What was resident beyond the rest stays within what bodies may cost.
fn holds(what: &str, rise: usize, bytes: usize) {
    let (tenths, most) = (rise * 10 / bytes, bytes / 2 * 5 + SLACK);
    eprintln!("{what}: {} MiB for {} MiB, {}.{} x", rise >> 20, bytes >> 20, tenths / 10, tenths % 10);
    assert!(rise <= most, "{what}: {} MiB for {} MiB", rise >> 20, bytes >> 20);
}
