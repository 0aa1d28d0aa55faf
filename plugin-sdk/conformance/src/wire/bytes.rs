//! Requests as bytes, so that they can be anything.

use prost::Message;
use prost::bytes::BufMut;
use std::marker::PhantomData;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Sends bytes as they are, and reads messages.
#[derive(Debug)]
pub(crate) struct BytesCodec<T>(PhantomData<T>);

impl<T> Default for BytesCodec<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Message + Default + Send + 'static> Codec for BytesCodec<T> {
    type Encode = Vec<u8>;
    type Decode = T;
    type Encoder = BytesEncoder;
    type Decoder = MessageDecoder<T>;

    fn encoder(&mut self) -> Self::Encoder {
        BytesEncoder
    }

    fn decoder(&mut self) -> Self::Decoder {
        MessageDecoder(PhantomData)
    }
}

/// Writes bytes as they are.
#[derive(Debug)]
pub(crate) struct BytesEncoder;

impl Encoder for BytesEncoder {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, bytes: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(bytes.len());
        buffer.put_slice(&bytes);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

/// Reads messages.
#[derive(Debug)]
pub(crate) struct MessageDecoder<T>(PhantomData<T>);

impl<T: Message + Default> Decoder for MessageDecoder<T> {
    type Item = T;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<T>, Status> {
        let unreadable = |error| Status::internal(format!("its answer can't be decoded: {error}"));
        T::decode(buffer).map(Some).map_err(unreadable)
    }
}
