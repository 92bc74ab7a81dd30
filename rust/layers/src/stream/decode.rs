// SPDX-License-Identifier: Apache-2.0
//! What inflates: gzip with any number of members, zstd with any number of frames, or nothing.

use super::Compression;
use super::source::Source;
use crate::tar::Chunks;
use crate::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::io::{self, Read};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A window above this is refused: the decoder would hold as much memory. It is what zstd itself takes at most
/// unless told otherwise.
const WINDOW_LOG: u32 = 27;

const CHUNK: usize = 256 << 10;

pub enum Decoder<'a> {
    Plain(Source<'a>),
    Gzip(Box<MultiGzDecoder<Source<'a>>>),
    Zstd(zstd::stream::read::Decoder<'static, Source<'a>>),
}

impl<'a> Decoder<'a> {
    /// Looks at the first bytes, whatever the layer is said to be: a wrong media type is told as what it is.
    pub fn new(chunks: impl Chunks + 'a, compression: Compression) -> Result<Decoder<'a>> {
        let mut source = Source::new(chunks);
        let magic = source.magic()?;
        let found = if magic.starts_with(&GZIP) {
            Compression::Gzip
        } else if magic == ZSTD || is_skippable(magic) {
            Compression::Zstd
        } else {
            Compression::None
        };
        if compression != Compression::Auto && compression != found {
            let (said, is) = (words(compression), words(found));
            return Err(Error::invalid(format!("the layer is said to be {said}, and is {is}")));
        }
        Ok(match found {
            Compression::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(source))),
            Compression::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(source);
                let mut decoder = decoder.map_err(|error| inflating(&error))?;
                decoder.window_log_max(WINDOW_LOG).map_err(|error| inflating(&error))?;
                Decoder::Zstd(decoder)
            }
            Compression::None | Compression::Auto => Decoder::Plain(source),
        })
    }

    /// Fills `chunk` as far as there is something to fill it with; 0 at the end.
    pub fn fill(&mut self, chunk: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read(rest) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failure(&error)),
            }
        }
        Ok(filled)
    }

    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Decoder::Plain(source) => source.read(to),
            Decoder::Gzip(decoder) => decoder.read(to),
            Decoder::Zstd(decoder) => decoder.read(to),
        }
    }

    fn failure(&mut self, error: &io::Error) -> Error {
        let source = match self {
            Decoder::Plain(source) => source.take_failure(),
            Decoder::Gzip(decoder) => decoder.get_mut().take_failure(),
            Decoder::Zstd(decoder) => decoder.get_mut().take_failure(),
        };
        source.unwrap_or_else(|| inflating(error))
    }
}

impl Chunks for Decoder<'_> {
    fn next(&mut self, mut chunk: Vec<u8>) -> Result<Option<Vec<u8>>> {
        chunk.resize(CHUNK, 0);
        let count = self.fill(&mut chunk)?;
        chunk.truncate(count);
        Ok((count > 0).then_some(chunk))
    }
}

fn is_skippable(magic: [u8; 4]) -> bool {
    u32::from_le_bytes(magic) & 0xffff_fff0 == 0x184d_2a50
}

fn words(compression: Compression) -> &'static str {
    match compression {
        Compression::Gzip => "compressed with gzip",
        Compression::Zstd => "compressed with zstd",
        Compression::None | Compression::Auto => "not compressed",
    }
}

fn inflating(error: &io::Error) -> Error {
    Error::corrupt(format!("the compressed layer is damaged: {error}"))
}
