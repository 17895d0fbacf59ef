/** Length-prefixed messages, as gRPC puts them into an HTTP/2 stream. Source: grpc/doc/PROTOCOL-HTTP2.md, "Length-Prefixed-Message". */

const PREFIX_BYTES = 5;

/** One uncompressed message with its prefix. */
export const frameMessage = (message: Uint8Array): Buffer => {
  const frame = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, PREFIX_BYTES);
  return frame;
};

/**
 * Cuts chunks, as they come, into messages. A message of many chunks is joined once.
 *
 * Throws RangeError for a message that is compressed (we never offer that) or longer than maxBytes.
 */
export const messageReader = (maxBytes: number): ((chunk: Buffer) => Buffer[]) => {
  let waiting: Buffer[] = [];
  let waitingBytes = 0;
  let wantedBytes = PREFIX_BYTES;
  return (chunk) => {
    waiting.push(chunk);
    waitingBytes += chunk.length;
    const messages: Buffer[] = [];
    while (waitingBytes >= wantedBytes) {
      const all = waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting);
      const end = PREFIX_BYTES + messageLength(all, maxBytes);
      const complete = all.length >= end;
      if (complete) messages.push(all.subarray(PREFIX_BYTES, end));
      waiting = [complete ? all.subarray(end) : all];
      waitingBytes = complete ? all.length - end : all.length;
      wantedBytes = complete ? PREFIX_BYTES : end;
    }
    return messages;
  };
};

const messageLength = (bytes: Buffer, maxBytes: number): number => {
  if (bytes[0] !== 0) throw new RangeError('a message is compressed, which was not offered');
  const length = bytes.readUInt32BE(1);
  if (length > maxBytes) throw new RangeError(`a message has ${length} bytes, and ${maxBytes} are allowed`);
  return length;
};
