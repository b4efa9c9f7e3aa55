//! What a text says by the key that it stands under: `{"password": "..."}`, `{"TIC-101.SP": 78.5}`.

use crate::bytes::is_digit;
use crate::literal::{Literal, Literals};
use crate::plain;
use crate::rule::BuiltIn;
use crate::scan::{Hit, Scan};
use crate::setpoint::key;
use crate::setpoint::unit::Units;
use crate::view::View;
use plant::Piece;

/// How a piece's path says that it is a key.
const KEY: &str = " (key)";

/// Follows the keys of a message: a key that a path does not show is a piece before.
#[derive(Default)]
pub(crate) struct Keys<'c> {
    /// Path and text of the keys around the last piece, outermost first.
    open: Vec<(&'c str, &'c str)>,
    /// Path of an object and what it says that its `value` is called.
    named: Option<(&'c str, &'c str)>,
}

impl<'c> Keys<'c> {
    /// The key that a piece stands under, also within a list; `None` for a key.
    pub(crate) fn of(&mut self, piece: &'c Piece<'_>) -> Option<&'c str> {
        let (path, is_key) = piece.path.strip_suffix(KEY).map_or((&*piece.path, false), |path| (path, true));
        // What a path begins with is around it: `{1}` closes, so that it does not begin `{12}`.
        self.open.truncate(self.open.iter().take_while(|(around, _)| path.starts_with(around)).count());
        if is_key {
            self.open.push((path, &piece.text));
            return None;
        }
        if let Some((around, key)) = self.open.last()
            && path.strip_prefix(around).is_some_and(items)
        {
            return Some(key);
        }
        let (object, name) = path.rsplit_once('.').unwrap_or(("", path));
        match name {
            "name" | "key" => self.named = Some((object, &piece.text)),
            // `{"name": "password", "value": "..."}`, `{"password": {"value": "..."}}`.
            "value" => {
                let pair = self.named.filter(|(place, _)| *place == object).map(|(_, name)| name);
                let open = self.open.last().filter(|(place, _)| *place == object).map(|(_, key)| *key);
                return Some(pair.or(open).unwrap_or_else(|| member(object)));
            }
            _ => {}
        }
        Some(member(name))
    }
}

/// The last name of a path, positions in lists aside.
fn member(path: &str) -> &str {
    let name = path.rsplit('.').next().unwrap_or_default();
    name.find('[').map_or(name, |bracket| name.split_at(bracket).0)
}

/// Whether a path goes on with nothing but positions in lists.
fn items(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('[') && !rest.contains('.')
}

/// What the whole text is, given to this key.
pub(crate) fn assigns(key: &str, piece: &Piece<'_>, literals: &Literals, units: &Units) -> Option<Hit> {
    if piece.text.len() > 256 || !(1..=48).contains(&key.len()) {
        return None;
    }
    let view = View::new(&piece.text, plain::next).ok()?;
    let text = &*view.text;
    if !text.bytes().any(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    secret(key, text, literals, units)
        .or_else(|| setpoint(key, text, literals, units))
        .map(|rule| Hit { rule: rule.index(), span: 0..piece.text.len() })
}

fn secret(key: &str, text: &str, literals: &Literals, units: &Units) -> Option<BuiltIn> {
    // Most keys are `content` and its like: seven bytes tell, and spare a second look at the text.
    let mut named = false;
    literals.find(key, |literal, _| {
        named |= matches!(literal, Literal::Keyword(_));
        !named
    });
    if !named {
        return None;
    }
    // What could end the quotes is as random as anything else.
    let text = text.replace(['"', '\'', '`', '\\', '\n', '\r'], "_");
    // `Password (panel 4)` is followed by a colon, where `password` is given its value.
    let named = key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let (tie, end) = if named { ("=\"", "\"") } else { (": ", "") };
    let hits = Scan::new(&format!("{key}{tie}{text}{end}"), 64).run(literals, units).ok()?.hits;
    let start = key.len() + tie.len();
    let whole = start..start + text.len();
    [BuiltIn::AssignedKey, BuiltIn::AssignedPassword]
        .into_iter()
        .find(|rule| hits.iter().any(|hit| hit.rule == rule.index() && hit.span == whole))
}

/// A number, with its unit or without, that is given to a setpoint or a tag.
fn setpoint(key: &str, text: &str, literals: &Literals, units: &Units) -> Option<BuiltIn> {
    let first = text.trim_start_matches(['-', '+', ' ']).bytes().next()?;
    if !is_digit(first) || text.len() > 48 {
        return None;
    }
    let assignment = format!("{key}={text}");
    let hits = Scan::new(&assignment, 64).run(literals, units).ok()?.hits;
    let given = hits.iter().any(|hit| hit.rule == BuiltIn::Setpoint.index() && hit.span.end == assignment.len());
    let number = text.trim_start_matches(['-', '+', ' ']).bytes().all(|b| is_digit(b) || b".,eE+- ".contains(&b));
    (given || number && key::tells(key.as_bytes())).then_some(BuiltIn::Setpoint)
}

#[cfg(test)]
mod tests {
    use crate::{Inspector, Settings};
    use plant::{Content, Piece, Sensitivity};
    use std::borrow::Cow;

    fn found(pieces: &[(&str, &str)]) -> Vec<String> {
        let piece = |(path, text): &(&str, &str)| Piece {
            path: (*path).to_owned(),
            text: Cow::Owned((*text).to_owned()),
            attachment: None,
            origin: plant::Origin::Prompt,
            fixed: false,
        };
        let content = Content { pieces: pieces.iter().map(piece).collect() };
        let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
        let findings = inspector.read(&content).expect("few findings");
        findings.iter().map(|f| format!("{} {}:{}", f.piece, f.label, &content.pieces[f.piece].text)).collect()
    }

    #[test]
    fn a_value_under_a_telling_key_is_a_secret() {
        assert_eq!(found(&[("a.password", "Xk29dLq8vTz1")]), ["0 secret.password:Xk29dLq8vTz1"]);
        assert_eq!(found(&[("a.password[0]", "Xk29dLq8vTz1")]), ["0 secret.password:Xk29dLq8vTz1"]);
        assert_eq!(found(&[("a.password", "Xk29\"dL\\q8'vTz1")]), ["0 secret.password:Xk29\"dL\\q8'vTz1"]);
        assert_eq!(found(&[("a.content", "Xk29dLq8vTz1")]), [""; 0]);
        for key in ["Password (panel 4)", "contraseña", "密码", "Kennwort:"] {
            assert_eq!(found(&[("a.{0} (key)", key), ("a.{0}", "Xk29dLq8vTz1")]).len(), 1, "{key}");
        }
    }

    #[test]
    fn a_key_that_no_path_shows_tells_too() {
        let secret = "Xk29dLq8vTz1Rw7pQ3";
        for key in ["x-api-key", "password1", "db.password"] {
            assert_eq!(found(&[("a.{2} (key)", key), ("a.{2}", secret)]).len(), 1, "{key}");
            assert_eq!(found(&[("a.{2} (key)", key), ("a.{2}[0]", secret), ("a.{2}[1]", secret)]).len(), 2, "{key}");
            assert_eq!(found(&[("a.{2} (key)", key), ("a.{2}.note", secret), ("a.{3}", secret)]), [""; 0], "{key}");
            let nested =
                [("a.{2} (key)", key), ("a.{2}[0].{0} (key)", "x"), ("a.{2}[0].{0}", "y"), ("a.{2}[1]", secret)];
            assert_eq!(found(&nested).len(), 1, "{key}");
        }
    }

    #[test]
    fn a_value_is_called_by_what_stands_beside_or_around_it() {
        let secret = "Xk29dLq8vTz1Rw7pQ3";
        assert_eq!(found(&[("a[0].name", "DB_PASSWORD"), ("a[0].value", secret)]).len(), 1);
        assert_eq!(found(&[("a[0].name", "DB_PASSWORD"), ("a[1].value", secret)]).len(), 0);
        assert_eq!(found(&[("a.password.value", secret)]).len(), 1);
        assert_eq!(found(&[("a.{0} (key)", "x-api-key"), ("a.{0}.value", secret)]).len(), 1);
    }

    #[test]
    fn a_number_that_a_setpoint_or_a_tag_is_given_is_a_setpoint() {
        assert_eq!(found(&[("a.setpoint", "78.5")]), ["0 setpoint:78.5"]);
        assert_eq!(found(&[("a.temperature_sp", "78.5 ")]), ["0 setpoint:78.5 "]);
        assert_eq!(found(&[("a.{0} (key)", "TIC-101"), ("a.{0}", "78.5")]), ["0 tag:TIC-101", "1 setpoint:78.5"]);
        assert_eq!(found(&[("a.temperature", "0.7"), ("a.max_tokens", "100"), ("a.wasp", "3")]), [""; 0]);
    }
}
