//! The keys of reading pictures: which engine, with which models, and how much it may take.

use crate::table::{Kind, MODEL, PATH, Section, list, may, must};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const MIB: u64 = 1 << 20;

static ANY_MODEL: Kind = Kind::Form(&MODEL);

pub(crate) static OCR: Section = Section {
    path: "ocr",
    noun: "ocr",
    about: "The engine that reads writing in pictures: Tesseract, or a program that takes its command line. It runs as a process of its own for \
            each picture, confined. Without this table nobody reads what is written in pictures.",
    fields: &[
        must("command", Kind::Form(&PATH), "\"/usr/bin/tesseract\"", "The engine."),
        may(
            "models",
            Kind::Form(&PATH),
            "\"models\"",
            "The folder of the plant's own models, each `NAME.traineddata`. Left out: those that the engine was installed with.",
        ),
        may(
            "languages",
            list(&ANY_MODEL),
            "[\"eng\", \"deu\"]",
            "The models that read, by name, the likeliest first. Each more makes reading slower.",
        ),
        may(
            "time",
            Kind::Time { low: 100, high: 10 * MINUTE },
            "\"30s\"",
            "Longest that one picture is read. Then the engine is killed, and the picture counts as unread.",
        ),
        may(
            "call_time",
            Kind::Time { low: 100, high: 30 * MINUTE },
            "\"2m\"",
            "Longest that all pictures of one call are read, their waits included. Those left over count as unread.",
        ),
        may(
            "memory",
            Kind::Size { low: 64 * MIB, high: 64 << 30 },
            "\"2GiB\"",
            "Most memory of one engine, as address space.",
        ),
        may("at_once", Kind::Count { low: 1, high: 64 }, "4", "Most engines at a time; 32 pictures more may wait."),
        may(
            "remember",
            Kind::Time { low: 0, high: 1440 * MINUTE },
            "\"1h\"",
            "How long what a picture says is remembered, in memory only, so that the same picture is not read again.",
        ),
    ],
};
