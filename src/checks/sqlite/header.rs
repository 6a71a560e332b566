//! The first hundred bytes of a SQLite file, and what a file without them seems to be.

/// Bytes looked at.
pub const LOOKED_AT: usize = 4096;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What a file's first bytes say.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// A database.
    Database(Header),
    /// No byte at all: SQLite makes a database of it at the first write.
    Empty,
    /// Noise from the first byte on, in whole pages: very likely an encrypted database.
    Encrypted,
    /// Something else.
    Foreign,
}

/// What the header tells.
#[derive(Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of a page.
    pub page_size: u32,
    /// Readers need the `-wal` file beside it.
    pub wal: bool,
    /// The number the owning program keeps for itself.
    pub user_version: u32,
    /// The SQLite release that wrote last, as 3.46.1; empty if untold.
    pub written_by: String,
}

/// Reads the first bytes of a file of `length` bytes.
pub fn read(start: &[u8], length: u64) -> Kind {
    if length == 0 {
        return Kind::Empty;
    }
    if start.len() < 100 || !start.starts_with(MAGIC) {
        return if looks_encrypted(start, length) { Kind::Encrypted } else { Kind::Foreign };
    }
    let word = |at: usize| u32::from_be_bytes([start[at], start[at + 1], start[at + 2], start[at + 3]]);
    let page_size = match u16::from_be_bytes([start[16], start[17]]) {
        1 => 65_536,
        size => u32::from(size),
    };
    let writer = word(96);
    Kind::Database(Header {
        page_size,
        wal: start[18] == 2 || start[19] == 2,
        user_version: word(60),
        written_by: if writer == 0 {
            String::new()
        } else {
            format!("{}.{}.{}", writer / 1_000_000, writer / 1000 % 1000, writer % 1000)
        },
    })
}

/// Whole pages of bytes that are spread as evenly as chance does: other formats begin with words of their own.
fn looks_encrypted(start: &[u8], length: u64) -> bool {
    if start.len() < 1024 || !length.is_multiple_of(512) {
        return false;
    }
    let mut counts = [0_u32; 256];
    for byte in start {
        counts[usize::from(*byte)] += 1;
    }
    let all = start.len() as f64;
    let bits: f64 = counts.iter().filter(|c| **c > 0).map(|c| f64::from(*c) / all).map(|p| -p * p.log2()).sum();
    bits > if start.len() < LOOKED_AT { 7.7 } else { 7.9 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_files_are_told_apart() {
        let mut noise = Vec::new();
        let mut random = fastrand::Rng::with_seed(7);
        noise.resize_with(LOOKED_AT, || random.u8(..));
        assert_eq!(read(&noise, 8192), Kind::Encrypted);
        assert_eq!(read(&noise[..1024], 1024), Kind::Encrypted);
        assert_eq!(read(&noise, 8191), Kind::Foreign, "databases are made of whole pages");
        let text = "a log file is no database\n".repeat(200);
        assert_eq!(read(&text.as_bytes()[..LOOKED_AT], 8192), Kind::Foreign);
        assert_eq!(read(MAGIC, 16), Kind::Foreign, "a header that broke off");
        assert_eq!(read(b"", 0), Kind::Empty);
    }

    #[test]
    fn the_header_is_read() {
        let mut start = [0_u8; 100];
        start[..16].copy_from_slice(MAGIC);
        start[16..18].copy_from_slice(&[0, 1]);
        start[18] = 2;
        start[60..64].copy_from_slice(&7_u32.to_be_bytes());
        start[96..100].copy_from_slice(&3_046_001_u32.to_be_bytes());
        let wanted = Header { page_size: 65_536, wal: true, user_version: 7, written_by: "3.46.1".into() };
        assert_eq!(read(&start, 65_536), Kind::Database(wanted));
    }
}
