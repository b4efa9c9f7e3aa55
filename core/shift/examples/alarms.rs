//! How often a shift is told where there is none, and how soon where there is one.
//!
//! `cargo run --release -p penstock-shift --example alarms`
//!
//! Traffic that does not change, from a fixed seed: calls that are independent of each other, and calls that come in bursts
//! in which rates and sizes differ from the usual. Then the same with a change in the middle.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a simulation"
)]

use penstock_shift::{Call, Language, Settings, Shifts};
use plant::Millis;

/// Xorshift64*, from Vigna, An experimental exploration of Marsaglia's xorshift generators (2016).
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn falls(&mut self, share: f64) -> bool {
        self.throw() < share
    }

    /// About normal: twelve throws.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.throw()).sum::<f64>() - 6.0
    }
}

/// What a workload does.
#[derive(Clone, Copy)]
struct Habit {
    refused: f64,
    failed: f64,
    guarded: f64,
    repeated: f64,
    person: f64,
    tag: f64,
    english: f64,
    size: f64,
}

/// Of plants' own kinds: a chat of people, a job at night, a camera.
const HABITS: [Habit; 4] = [
    Habit {
        refused: 0.02,
        failed: 0.01,
        guarded: 0.03,
        repeated: 0.02,
        person: 0.2,
        tag: 0.5,
        english: 0.3,
        size: 11.0,
    },
    Habit { refused: 0.0, failed: 0.002, guarded: 0.0, repeated: 0.9, person: 0.0, tag: 1.0, english: 1.0, size: 13.0 },
    Habit { refused: 0.1, failed: 0.05, guarded: 0.1, repeated: 0.3, person: 0.5, tag: 0.1, english: 0.5, size: 20.0 },
    Habit { refused: 0.3, failed: 0.0, guarded: 0.5, repeated: 0.0, person: 0.02, tag: 0.02, english: 0.9, size: 9.0 },
];

/// A call of that habit; in a burst, rates lean to one side by up to `lean`.
fn call(habit: &Habit, dice: &mut Dice, lean: f64, number: u64) -> Call {
    let rate = |share: f64| (share + lean * share * (1.0 - share) * 4.0).clamp(0.0, 1.0);
    let mut label = |share: f64, name: &str| dice.falls(rate(share)).then(|| name.to_owned());
    let labels = [label(habit.person, "person"), label(habit.tag, "tag")].into_iter().flatten().collect();
    let language = Some(if dice.falls(rate(habit.english)) { Language::English } else { Language::German });
    Call {
        workload: "w".to_owned(),
        model: "m".to_owned(),
        request_bytes: (habit.size + lean + dice.normal()).exp2() as u64,
        answer_bytes: Some((11.0 + lean + dice.normal()).exp2() as u64),
        refused: dice.falls(rate(habit.refused)),
        failed: dice.falls(rate(habit.failed)),
        guarded: dice.falls(rate(habit.guarded)),
        labels,
        language,
        prompt: Some(if dice.falls(habit.repeated) { 1 } else { number + 2 }),
    }
}

/// Alarms of so many calls that do not change.
fn alarms(bursts: f64, calls: u64, seed: u64) -> usize {
    let (mut told, settings) = (0, Settings::default());
    for (habit, seed) in HABITS.iter().zip(seed..) {
        let (mut shifts, mut dice, mut lean) = (Shifts::default(), Dice(seed * 7919 + 1), 0.0);
        for number in 0..calls {
            // A burst lasts 30 calls on average.
            if dice.falls(1.0 / 30.0) {
                lean = bursts * (dice.throw() - 0.5);
            }
            told += shifts.hear(call(habit, &mut dice, lean, number), Millis(number), &settings).len();
        }
    }
    told
}

/// Of 400 runs, in how many a change is told within 50, 100 and 200 calls.
fn found(change: impl Fn(&mut Habit)) -> [usize; 3] {
    let (mut found, settings) = ([0; 3], Settings::default());
    for seed in 0..100u64 {
        for (at, before) in HABITS.iter().enumerate() {
            let mut after = *before;
            change(&mut after);
            let (mut shifts, mut dice) = (Shifts::default(), Dice(seed * 104_729 + at as u64 + 1));
            // It begins anywhere in a window.
            let begins = 600 + seed % 50;
            let told = (0..begins + 200).find(|number| {
                let habit = if *number < begins { before } else { &after };
                let told = shifts.hear(call(habit, &mut dice, 0.0, *number), Millis(*number), &settings);
                *number >= begins && !told.is_empty()
            });
            for (count, within) in found.iter_mut().zip([50, 100, 200]) {
                *count += usize::from(told.is_some_and(|told| told - begins < within));
            }
        }
    }
    found
}

fn main() {
    const CALLS: u64 = 1_000_000;
    println!("| traffic that does not change | calls | shifts told |\n|---|---|---|");
    for (name, bursts) in [("independent calls", 0.0), ("bursts, mild", 0.5), ("bursts, strong", 1.0)] {
        println!("| {name} | {} | {} |", CALLS * HABITS.len() as u64, alarms(bursts, CALLS, 1));
    }
    println!("\n| change | within 50 calls | 100 | 200 |\n|---|---|---|---|");
    type Change = fn(&mut Habit);
    let changes: [(&str, Change); 6] = [
        ("a fifth more calls are refused", |habit| habit.refused += 0.2),
        ("two fifths more are refused", |habit| habit.refused += 0.4),
        ("another language", |habit| habit.english = 1.0 - habit.english),
        ("half of the prompts repeat", |habit| habit.repeated = (habit.repeated + 0.5) % 1.0),
        ("requests three times as large", |habit| habit.size += 1.6),
        ("requests four times as large", |habit| habit.size += 2.0),
    ];
    for (name, change) in changes {
        let [fifty, hundred, two] = found(change).map(|count| count as f64 / 400.0);
        println!("| {name} | {fifty:.2} | {hundred:.2} | {two:.2} |");
    }
}
