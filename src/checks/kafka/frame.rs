//! Kafka's frames: a length, a number that comes back, big-endian values. Only the shapes before the compact ones.

/// Longest answer read, in bytes: a cluster of a thousand brokers.
pub const LARGEST: usize = 1024 * 1024;

/// A request: head and body, its length in front.
pub fn request(api: i16, version: i16, number: i32, client: &str, body: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 4];
    frame.extend(api.to_be_bytes());
    frame.extend(version.to_be_bytes());
    frame.extend(number.to_be_bytes());
    frame.extend(text(client));
    frame.extend_from_slice(body);
    let length = (frame.len() - 4) as u32;
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame
}

/// A text with its length in front. Longer ones than 32 KiB, which no broker takes, are cut.
pub fn text(text: &str) -> Vec<u8> {
    let bytes = &text.as_bytes()[..text.len().min(i16::MAX as usize)];
    [&(bytes.len() as i16).to_be_bytes()[..], bytes].concat()
}

/// What is left to read of an answer. Everything gives `None` past its end.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// Two bytes.
    pub fn i16(&mut self) -> Option<i16> {
        self.take(2)?.try_into().ok().map(i16::from_be_bytes)
    }

    /// Four bytes.
    pub fn i32(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_be_bytes)
    }

    /// A text; one that is null is empty.
    pub fn text(&mut self) -> Option<String> {
        let length = self.i16()?;
        let bytes = self.take(usize::try_from(length).unwrap_or_default())?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    /// Bytes; null ones are empty.
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.i32()?;
        self.take(usize::try_from(length).unwrap_or_default())
    }

    /// So many of what `item` reads; each must take at least a byte, so that a false number ends with the answer.
    pub fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::try_from(self.i32()?).unwrap_or_default();
        let mut all = Vec::new();
        for _ in 0..count {
            all.push(item(self)?);
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_is_as_the_protocol_has_it() {
        let wanted = b"\0\0\0\x0e\0\x12\0\0\0\0\0\x07\0\x02ab\x01\x02";
        assert_eq!(request(18, 0, 7, "ab", &[1, 2]), wanted);
    }

    proptest! {
        #[test]
        fn no_answer_is_read_past_its_end(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader(&bytes);
            let _ = reader.list(|r| Some((r.i16()?, r.text()?, r.bytes()?.len())));
            prop_assert!(reader.0.len() <= bytes.len());
        }
    }
}
