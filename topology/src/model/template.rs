use std::str::FromStr;

use super::InvalidValue;

/// A text with computed parts in braces, such as `10.0.0.{1 + index}/24`.
///
/// It is what each member of an array of nodes, interfaces or links makes its own text of. `index` is the member's
/// position, from 0, and `count` is how many members there are. They and whole numbers are joined by `+`, `-`, `*`, `/`
/// (rounded down), `%` and parentheses. A format after a colon is that of [`std::fmt`]: `{index:x}` is hexadecimal, as
/// IPv6 and Ethernet addresses need it, and `{index:02}` has at least two digits. `{{` and `}}` stand for the braces
/// themselves.
///
/// ```
/// use netns_test_topology::Template;
///
/// let address: Template = "10.0.0.{1 + index}/24".parse()?;
/// assert_eq!(address.member(0, 16)?, "10.0.0.1/24");
/// assert_eq!(address.member(15, 16)?, "10.0.0.16/24");
///
/// let mac: Template = "02:00:00:00:00:{10 + index:02x}".parse()?;
/// assert_eq!(mac.member(5, 16)?, "02:00:00:00:00:0f");
/// # Ok::<(), netns_test_topology::InvalidValue>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Computed { source: String, value: Expr, hex: bool, width: usize },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Expr {
    Number(i64),
    Index,
    Count,
    Joined(Box<Expr>, char, Box<Expr>),
}

/// How long a computed part may be, in bytes: it is read and computed by functions that call themselves.
const LONGEST: usize = 256;

impl Template {
    /// Whether nothing is computed, so that every member has the same text.
    pub fn is_constant(&self) -> bool {
        self.pieces.iter().all(|piece| matches!(piece, Piece::Literal(_)))
    }

    /// The text of the member at position `index` of `count`.
    ///
    /// # Errors
    ///
    /// If a value is below zero, beyond 64 bits, or divided by zero.
    pub fn member(&self, index: usize, count: usize) -> Result<String, InvalidValue> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Computed { source, value, hex, width } => {
                    let value = value.of(index, count).filter(|value| *value >= 0).ok_or_else(|| {
                        InvalidValue::new(format!("`{{{source}}}` has no value for member {index} of {count}"))
                            .help("a computed part is a whole number from 0; nothing can be divided by zero")
                    })?;
                    text.push_str(&if *hex { format!("{value:0width$x}") } else { format!("{value:0width$}") });
                }
            }
        }
        Ok(text)
    }
}

impl FromStr for Template {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(brace) = rest.find(['{', '}']) {
            literal.push_str(&rest[..brace]);
            let (found, after) = rest[brace..].split_at(1);
            if after.starts_with(found) {
                literal.push_str(found);
                rest = &after[1..];
                continue;
            }
            let close = after.find('}').filter(|_| found == "{").ok_or_else(|| {
                InvalidValue::new(format!("`{text}` has a `{found}` without its partner"))
                    .help("write `{{` or `}}` for a brace that stands for itself")
            })?;
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            pieces.push(computed(&after[..close])?);
            rest = &after[close + 1..];
        }
        literal.push_str(rest);
        pieces.push(Piece::Literal(literal));
        pieces.retain(|piece| *piece != Piece::Literal(String::new()));
        Ok(Self { pieces })
    }
}

impl Expr {
    fn of(&self, index: usize, count: usize) -> Option<i64> {
        match self {
            Expr::Number(number) => Some(*number),
            Expr::Index => index.try_into().ok(),
            Expr::Count => count.try_into().ok(),
            Expr::Joined(left, sign, right) => {
                let (left, right) = (left.of(index, count)?, right.of(index, count)?);
                match sign {
                    '+' => left.checked_add(right),
                    '-' => left.checked_sub(right),
                    '*' => left.checked_mul(right),
                    '/' => left.checked_div_euclid(right),
                    _ => left.checked_rem_euclid(right),
                }
            }
        }
    }
}

/// What stands between braces.
fn computed(source: &str) -> Result<Piece, InvalidValue> {
    if source.len() > LONGEST {
        return Err(InvalidValue::new(format!("a computed part has {} bytes", source.len()))
            .help(format!("shorten it to {LONGEST} bytes")));
    }
    let (expr, format) = source.split_once(':').unwrap_or((source, ""));
    let digits = format.strip_suffix('x').unwrap_or(format);
    let width = if digits.is_empty() { Some(0) } else { digits.parse().ok().filter(|width| *width <= 16) };
    let width = width.ok_or_else(|| {
        InvalidValue::new(format!("`{format}` in `{{{source}}}` is no format"))
            .help("write `x` for hexadecimal, and before it at least how many digits, such as `{index:02x}`")
    })?;
    let mut parser = Parser { source, rest: expr };
    let value = parser.sum()?;
    match parser.token() {
        None => Ok(Piece::Computed { source: source.to_owned(), value, hex: format.ends_with('x'), width }),
        Some(token) => Err(parser.unexpected(Some(token))),
    }
}

struct Parser<'a> {
    source: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn sum(&mut self) -> Result<Expr, InvalidValue> {
        let mut left = self.product()?;
        while let Some(sign) = self.sign(&['+', '-']) {
            left = Expr::Joined(left.into(), sign, self.product()?.into());
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr, InvalidValue> {
        let mut left = self.operand()?;
        while let Some(sign) = self.sign(&['*', '/', '%']) {
            left = Expr::Joined(left.into(), sign, self.operand()?.into());
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expr, InvalidValue> {
        match self.token() {
            Some("index") => Ok(Expr::Index),
            Some("count") => Ok(Expr::Count),
            Some("(") => {
                let inner = self.sum()?;
                match self.token() {
                    Some(")") => Ok(inner),
                    other => Err(self.unexpected(other)),
                }
            }
            Some(token) => token.parse().map(Expr::Number).map_err(|_| self.unexpected(Some(token))),
            None => Err(self.unexpected(None)),
        }
    }

    fn sign(&mut self, signs: &[char]) -> Option<char> {
        let sign = self.rest.trim_start().chars().next().filter(|sign| signs.contains(sign))?;
        self.token();
        Some(sign)
    }

    /// The next word, number or sign.
    fn token(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let first = rest.chars().next()?;
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let end = if word(first) { rest.find(|c| !word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (token, after) = rest.split_at(end);
        self.rest = after;
        Some(token)
    }

    fn unexpected(&self, token: Option<&str>) -> InvalidValue {
        let source = self.source;
        let message = match token {
            Some(token) => format!("`{token}` is not expected in `{{{source}}}`"),
            None => format!("`{{{source}}}` ends too early"),
        };
        let near = token.and_then(|token| crate::check::nearest(token, ["index", "count"]));
        InvalidValue::new(message).help(match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "compute with `index`, `count`, whole numbers, `+ - * / %` and parentheses".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(text: &str, index: usize) -> String {
        match text.parse::<Template>().and_then(|template| template.member(index, 4)) {
            Ok(text) => text,
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn a_computed_part_follows_the_rules_of_arithmetic() {
        assert_eq!(member("10.0.{index / 2}.{1 + index % 2 * 2}/24", 3), "10.0.1.3/24");
        assert_eq!(member("{(1 + index) * 2}{count - index}", 1), "43");
        assert_eq!(member("{8 - 2 - 1}", 0), "5");
    }

    #[test]
    fn a_format_gives_base_and_digits() {
        assert_eq!(member("fd00::{10 + index:x}/64", 1), "fd00::b/64");
        assert_eq!(member("{index:02}-{index:03x}", 3), "03-003");
    }

    #[test]
    fn two_braces_stand_for_one() {
        assert_eq!(member("{{index}}", 1), "{index}");
        assert!("{{index}}".parse::<Template>().unwrap().is_constant());
        assert!(!"{index}".parse::<Template>().unwrap().is_constant());
    }

    #[test]
    fn a_wrong_expression_says_what_is_wrong() {
        assert_eq!(member("{idnex}", 0), "error: `idnex` is not expected in `{idnex}` (help: did you mean `index`?)");
        for (wrong, says) in [
            ("{1 +}", "`{1 +}` ends too early"),
            ("{}", "`{}` ends too early"),
            ("{1 2}", "`2` is not expected"),
            ("{(1}", "ends too early"),
            ("{index", "has a `{` without its partner"),
            ("index}", "has a `}` without its partner"),
            ("{index:y}", "`y` in `{index:y}` is no format"),
            ("{index - 1}", "`{index - 1}` has no value for member 0 of 4"),
            ("{1 / index}", "has no value for member 0 of 4"),
            ("{9223372036854775807 + 1}", "has no value"),
            ("{99999999999999999999}", "is not expected"),
        ] {
            assert!(member(wrong, 0).contains(says), "{wrong}: {}", member(wrong, 0));
        }
    }

    #[test]
    fn a_computed_part_cannot_be_endless() {
        for endless in
            [format!("{{{}1{}}}", "(".repeat(100_000), ")".repeat(100_000)), format!("{{{}1}}", "1+".repeat(100_000))]
        {
            assert!(member(&endless, 0).contains("shorten it to 256 bytes"));
        }
    }
}
