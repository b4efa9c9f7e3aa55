//! A text as the guard reads it: signs, entities, markup and LaTeX say what they say.

use view::{Change, Says, View, escape, plain};

/// The plain reading of a text, with the way back. `None` if it would take too large a map: it is made of escapes.
pub(crate) fn of(source: &str) -> Option<View<'_>> {
    View::new(source, next).ok()
}

/// Whether a byte may begin what reads otherwise.
fn telling(byte: u8) -> bool {
    byte >= 0x80 || matches!(byte, b'&' | b'\\' | b'<' | b'^' | b'*')
}

fn next(source: &str, from: usize) -> Option<Change> {
    let bytes = source.as_bytes();
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| telling(*byte))?;
        let rest = source.get(at..)?;
        let first = rest.chars().next()?;
        if let Some((says, length)) = reads(source, at, rest, first) {
            return Some(Change { span: at..at + length, says });
        }
        at += first.len_utf8();
    }
}

/// What stands at the start of `rest` says, and how long it is; `None` if it says itself.
fn reads(source: &str, at: usize, rest: &str, first: char) -> Option<(Says, usize)> {
    match first {
        '&' => named(rest).or_else(|| escape::entity(rest.as_bytes())),
        '\\' => backslash(rest),
        '<' => markup(rest),
        '^' => ["^{\\circ}", "^\\circ", "^{o}", "^{°}"]
            .iter()
            .find(|sign| rest.starts_with(**sign))
            .map(|sign| (Says::Character('°'), sign.len())),
        // Strong in Markdown, also in the middle of a number; but a power of ten.
        '*' => {
            let power = source.get(..at)?.ends_with("10");
            (rest.starts_with("**") && !power).then_some((Says::Nothing, 2))
        }
        sign => {
            let length = sign.len_utf8();
            let says = signs(sign, source.get(..at)?).or_else(|| plain::character(source, at))?;
            Some((says, length))
        }
    }
}

/// Entities of measures and signs, by name.
fn named(rest: &str) -> Option<(Says, usize)> {
    const NAMES: [(&str, &str); 14] = [
        ("&deg;", "°"),
        ("&minus;", "-"),
        ("&ndash;", "-"),
        ("&mdash;", "-"),
        ("&sup2;", "2"),
        ("&sup3;", "3"),
        ("&micro;", "µ"),
        ("&times;", "x"),
        ("&middot;", "*"),
        ("&plusmn;", "±"),
        ("&thinsp;", " "),
        ("&ensp;", " "),
        ("&rarr;", "->"),
        ("&shy;", ""),
    ];
    let (name, says) = NAMES.iter().find(|(name, _)| rest.starts_with(name))?;
    Some((Says::Text(says), name.len()))
}

/// `\u00b0`, `\_`, and what LaTeX writes around numbers and units.
fn backslash(rest: &str) -> Option<(Says, usize)> {
    const COMMANDS: [(&str, &str); 18] = [
        ("\\mathrm{", ""),
        ("\\text{", ""),
        ("\\textrm{", ""),
        ("\\operatorname{", ""),
        ("\\mathbf{", ""),
        ("\\textbf{", ""),
        ("\\circ", "°"),
        ("\\degree", "°"),
        ("\\celsius", "°C"),
        ("\\cdot", "*"),
        ("\\times", "x"),
        ("\\quad", " "),
        ("\\,", " "),
        ("\\;", " "),
        ("\\ ", " "),
        ("\\!", ""),
        ("\\:", " "),
        ("\\to", "->"),
    ];
    if let Some((name, says)) = COMMANDS.iter().find(|(name, _)| rest.starts_with(name)) {
        return Some((Says::Text(says), name.len()));
    }
    match *rest.as_bytes().get(1)? {
        b'u' => escape::unicode(rest.as_bytes()),
        mark if mark.is_ascii_punctuation() && mark != b'\\' => Some((Says::Character(char::from(mark)), 2)),
        _ => None,
    }
}

/// HTML: marks within a line go, cells and lines become those of a Markdown table.
fn markup(rest: &str) -> Option<(Says, usize)> {
    let inside = rest.get(1..)?;
    let name_at = usize::from(inside.starts_with('/'));
    let name: &str = inside.get(name_at..)?.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    let window = inside.as_bytes().get(..inside.len().min(120))?;
    let close = window
        .iter()
        .position(|byte| matches!(byte, b'>' | b'<' | b'\n'))
        .filter(|at| window.get(*at) == Some(&b'>'))?;
    let says = match name.to_ascii_lowercase().as_str() {
        "b" | "i" | "em" | "strong" | "u" | "sup" | "sub" | "span" | "code" | "font" | "mark" | "small" | "tt"
        | "kbd" | "var" | "a" | "wbr" => Says::Nothing,
        "td" | "th" if name_at == 0 => Says::Text("| "),
        "tr" | "br" | "p" | "li" | "div" => Says::Character('\n'),
        "td" | "th" | "table" | "tbody" | "thead" | "ul" | "ol" => Says::Character(' '),
        _ => return None,
    };
    Some((says, close + 2))
}

/// Signs that mean something between a tag and its value.
fn signs(sign: char, before: &str) -> Option<Says> {
    const POWERS: [&str; 10] = ["^0", "^1", "^2", "^3", "^4", "^5", "^6", "^7", "^8", "^9"];
    let raised = match sign {
        '²' => Some(2),
        '³' => Some(3),
        '¹' => Some(1),
        '\u{2070}' | '\u{2074}'..='\u{2079}' => usize::try_from(u32::from(sign) - 0x2070).ok(),
        _ => None,
    };
    if let Some(power) = raised {
        let ten =
            before.ends_with("x10") || before.ends_with("×10") || before.ends_with("× 10") || before.ends_with("·10");
        return if ten { POWERS.get(power).map(|power| Says::Text(power)) } else { None };
    }
    Some(match sign {
        '→' | '⇒' | '➔' | '➜' | '➡' | '↦' | '⟶' => Says::Text("->"),
        '↑' => Says::Text(" up "),
        '↓' => Says::Text(" down "),
        '×' | '✕' => Says::Character('x'),
        '·' | '⋅' | '∙' => Says::Character('*'),
        '⁻' => Says::Character('-'),
        '٫' => Says::Character('.'),
        '٬' => Says::Character(','),
        '≤' | '≦' | '⩽' => Says::Text("<="),
        '≥' | '≧' | '⩾' => Says::Text(">="),
        '≈' | '∼' | '≅' | '〜' => Says::Character(' '),
        '≙' | '≡' | '≔' => Says::Character('='),
        '½' => Says::Text(".5"),
        '¼' => Says::Text(".25"),
        '¾' => Says::Text(".75"),
        '‰' | 'Ω' | 'º' => Says::Character(sign),
        '—' => Says::Text(" ; "),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    fn seen(source: &str) -> String {
        super::of(source).expect("a small map").text.into_owned()
    }

    #[test]
    fn what_is_written_otherwise_reads_as_it_is() {
        assert_eq!(seen("80&deg;C, \\u00b0C, ８６, 𝟐𝟒𝟗, ٢ bar"), "80°C, °C, 86, 249, 2 bar");
        assert_eq!(seen("$185\\,^{\\circ}\\mathrm{C}$"), "$185 °C}$");
        assert_eq!(seen("1**8**5 and 1.2*10**3, 3×10² m³"), "185 and 1.2*10**3, 3x10^2 m3");
        assert_eq!(seen("<b>18</b>5 <td>x</td>"), "185 | x ");
        assert_eq!(seen("TIC\\_101 → 4 m³·h⁻¹ ≤ 5"), "TIC_101 -> 4 m3*h-1 <= 5");
        assert_eq!(seen("T\u{AD}IC‑101"), "TIC-101");
    }
}
