//! As much BSON as a sign-in needs: documents are built field by field, and read without being believed.

/// Deepest nesting read.
const DEEPEST: usize = 16;

/// A document being built.
pub struct Builder(Vec<u8>);

impl Builder {
    /// Empty.
    pub fn new() -> Builder {
        Builder(vec![0; 4])
    }

    fn head(&mut self, kind: u8, name: &str) {
        self.0.push(kind);
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(0);
    }

    /// A 32-bit number.
    pub fn int(mut self, name: &str, value: i32) -> Builder {
        self.head(0x10, name);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// Yes or no.
    pub fn flag(mut self, name: &str, value: bool) -> Builder {
        self.head(0x08, name);
        self.0.push(value.into());
        self
    }

    /// A text.
    pub fn text(mut self, name: &str, value: &str) -> Builder {
        self.head(0x02, name);
        self.0.extend((value.len() as i32 + 1).to_le_bytes());
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(0);
        self
    }

    /// Bytes.
    pub fn bytes(mut self, name: &str, value: &[u8]) -> Builder {
        self.head(0x05, name);
        self.0.extend((value.len() as i32).to_le_bytes());
        self.0.push(0);
        self.0.extend_from_slice(value);
        self
    }

    /// A document within.
    pub fn document(mut self, name: &str, value: Builder) -> Builder {
        self.head(0x03, name);
        self.0.extend(value.done());
        self
    }

    /// Its bytes.
    pub fn done(mut self) -> Vec<u8> {
        self.0.push(0);
        let length = (self.0.len() as i32).to_le_bytes();
        self.0[..4].copy_from_slice(&length);
        self.0
    }
}

/// A value that is looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Number(f64),
    Flag(bool),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// A document or a list, whose names are numbers.
    Document(Document<'a>),
    /// Any other kind.
    Other,
}

/// A document's bytes with their length, as they came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Document<'a>(&'a [u8]);

impl<'a> Document<'a> {
    /// Reads one that fills `bytes` to the end and is sound throughout. `None`: it is not.
    pub fn read(bytes: &'a [u8]) -> Option<Document<'a>> {
        let document = Document(bytes);
        document.sound(0).then_some(document)
    }

    fn sound(self, depth: usize) -> bool {
        let length = self.0.get(..4).and_then(|l| Some(i32::from_le_bytes(l.try_into().ok()?)));
        if depth > DEEPEST || length.is_none_or(|l| usize::try_from(l) != Ok(self.0.len())) || self.0.len() < 5 {
            return false;
        }
        let mut left = &self.0[4..];
        loop {
            if left == [0] {
                return true;
            }
            match next(left) {
                Some((_, Value::Document(inner), _)) if !inner.sound(depth + 1) => return false,
                Some((_, _, rest)) => left = rest,
                None => return false,
            }
        }
    }

    /// Its values with their names.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        let mut left = self.0.get(4..).unwrap_or_default();
        std::iter::from_fn(move || {
            let (name, value, rest) = next(left)?;
            left = rest;
            Some((name, value))
        })
    }

    /// The value of this name.
    pub fn get(self, name: &str) -> Option<Value<'a>> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// A number of any size.
    pub fn number(self, name: &str) -> Option<f64> {
        match self.get(name)? {
            Value::Number(number) => Some(number),
            Value::Flag(flag) => Some(f64::from(u8::from(flag))),
            _ => None,
        }
    }

    /// A text.
    pub fn text(self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A document or a list.
    pub fn document(self, name: &str) -> Option<Document<'a>> {
        match self.get(name)? {
            Value::Document(document) => Some(document),
            _ => None,
        }
    }

    /// Bytes.
    pub fn bytes(self, name: &str) -> Option<&'a [u8]> {
        match self.get(name)? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

fn next(left: &[u8]) -> Option<(&str, Value<'_>, &[u8])> {
    let (kind, left) = left.split_first()?;
    let end = left.iter().position(|b| *b == 0)?;
    let name = std::str::from_utf8(&left[..end]).ok()?;
    let left = &left[end + 1..];
    let length = |more: usize| -> Option<usize> {
        usize::try_from(i32::from_le_bytes(left.get(..4)?.try_into().ok()?)).ok()?.checked_add(more)
    };
    let size = match kind {
        0x01 | 0x09 | 0x11 | 0x12 => 8,
        0x02 | 0x0d | 0x0e => length(4)?,
        0x03 | 0x04 => length(0)?,
        0x05 => length(5)?,
        0x07 => 12,
        0x08 => 1,
        0x0a | 0x06 | 0x7f | 0xff => 0,
        0x10 => 4,
        0x13 => 16,
        _ => return None,
    };
    let (value, rest) = left.split_at_checked(size)?;
    let value = match kind {
        0x01 => Value::Number(f64::from_le_bytes(value.try_into().ok()?)),
        0x10 => Value::Number(i32::from_le_bytes(value.try_into().ok()?).into()),
        0x12 => Value::Number(i64::from_le_bytes(value.try_into().ok()?) as f64),
        0x02 => Value::Text(std::str::from_utf8(value.get(4..)?.strip_suffix(&[0])?).ok()?),
        0x03 | 0x04 => Value::Document(Document(value)),
        0x05 => Value::Bytes(value.get(5..)?),
        0x08 => Value::Flag(value[0] != 0),
        _ => Value::Other,
    };
    Some((name, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let inner = Builder::new().text("user", "board").flag("yes", true);
        Builder::new().int("hello", 1).bytes("payload", b"n,,").document("inner", inner).text("$db", "admin").done()
    }

    #[test]
    fn documents_are_built_as_the_format_has_them() {
        assert_eq!(Builder::new().text("hello", "world").done(), b"\x16\0\0\0\x02hello\0\x06\0\0\0world\0\0");
        let bytes = sample();
        let document = Document::read(&bytes).unwrap();
        assert_eq!((document.number("hello"), document.bytes("payload")), (Some(1.0), Some(&b"n,,"[..])));
        assert_eq!(document.document("inner").unwrap().text("user"), Some("board"));
        assert_eq!((document.text("$db"), document.text("hello")), (Some("admin"), None));
    }

    #[test]
    fn broken_documents_are_refused_and_never_panic() {
        let bytes = sample();
        for end in 0..bytes.len() {
            assert!(Document::read(&bytes[..end]).is_none(), "{end}");
        }
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..20_000 {
            let mut broken = bytes.clone();
            for _ in 0..random.usize(1..4) {
                let at = random.usize(..broken.len());
                broken[at] = random.u8(..);
            }
            if let Some(document) = Document::read(&broken) {
                assert!(document.iter().count() <= broken.len());
            }
        }
    }
}
