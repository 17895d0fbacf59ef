/** A connection's beginning as a strip of pictures: who says what, and how much of it a stranger can read. Pure. */
import { bytesOf, type WireBytes } from './capture.ts';
import { readClientHello, readServerHello, recordName, type TlsRecord, tlsRecords } from './tls-records.ts';

/** One picture. */
export interface Frame {
  readonly from: 'caller' | 'callee';
  readonly title: string;
  readonly words: string;
  readonly isReadable: boolean;
  /** Bytes with headers. */
  readonly size: number;
}

const APPLICATION_DATA = 23;
const HEADER = 5;

const sizeOf = (records: readonly TlsRecord[]): number => records.reduce((sum, { length }) => sum + HEADER + length, 0);

const countOf = (records: readonly TlsRecord[]): string => (records.length === 1 ? 'one record' : `${records.length} records`);

/** What kind of records they are, for who cannot look inside. */
const hidden = (records: readonly TlsRecord[]): readonly TlsRecord[] => records.filter(({ type }) => type === APPLICATION_DATA);

// #region readable
const greeting = (sent: Uint8Array): readonly Frame[] => {
  const hello = readClientHello(sent);
  const [record] = tlsRecords(sent);
  if (hello === undefined || record === undefined) return [];
  const wish = hello.offersResumption ? ' It also shows a ticket of an earlier connection.' : '';
  const words = `Readable: it asks for ${hello.serverName || 'nobody by name'} and offers ${hello.protocols.join(', ') || 'no protocol'}.${wish}`;
  return [{ from: 'caller', title: 'ClientHello', words, isReadable: true, size: sizeOf([record]) }];
};
// #endregion readable

const answer = (received: Uint8Array): readonly Frame[] => {
  const hello = readServerHello(received);
  const records = tlsRecords(received);
  const [record] = records;
  if (hello === undefined || record === undefined) return [];
  const taken = hello.resumes ? ' It takes the ticket: both are still who they were, so no certificate is sent again.' : '';
  const told: Frame = {
    from: 'callee',
    title: 'ServerHello',
    words: `Readable: ${hello.version}, ${hello.cipher}. From here on everything is encrypted.${taken}`,
    isReadable: true,
    size: sizeOf([record]),
  };
  const rest = hello.resumes ? 'Finished' : 'Its certificate, the wish for the caller’s, and Finished';
  const secret = hidden(records);
  return [
    told,
    {
      from: 'callee',
      title: hello.resumes ? 'Finished' : 'Certificate … Finished',
      words: `${rest}, and later the response: ${countOf(secret)} called ${recordName(APPLICATION_DATA)}. TLS 1.3 hides even which is which.`,
      isReadable: false,
      size: sizeOf(secret),
    },
  ];
};

/** Encrypted records of a client before its first request: with a ticket Finished alone, else its certificate and the proof before it. */
const proofsOf = (resumes: boolean): number => (resumes ? 1 : 3);

/** The record of the first request; undefined where it has not come, and on plain text. */
export const requestRecord = (sent: Uint8Array, received: Uint8Array): TlsRecord | undefined =>
  hidden(tlsRecords(sent))[proofsOf(readServerHello(received)?.resumes === true)];

const reply = (sent: Uint8Array, resumes: boolean): readonly Frame[] => {
  const secret = hidden(tlsRecords(sent));
  const request = secret[proofsOf(resumes)];
  const before = secret.slice(0, proofsOf(resumes));
  if (request === undefined) return [];
  const proof: Frame = {
    from: 'caller',
    title: resumes ? 'Finished' : 'Certificate … Finished',
    words: resumes ? 'The caller has the same keys.' : `The caller’s own certificate and its proof: ${countOf(before)}, all encrypted.`,
    isReadable: false,
    size: sizeOf(before),
  };
  const asked: Frame = {
    from: 'caller',
    title: 'Your request',
    words: `One record of ${request.length} bytes: the request’s ${request.length - 17}, a byte for its kind and 16 that show any change. (TLS 1.3 may also pad.)`,
    isReadable: false,
    size: sizeOf([request]),
  };
  return before.length === 0 ? [asked] : [proof, asked];
};

/** Empty for a connection in plain text. The tap hears each way for itself: the order is that of the protocol. */
export const filmOf = (wire: { readonly sent: WireBytes; readonly received: WireBytes }): readonly Frame[] => {
  const [sent, received] = [bytesOf(wire.sent), bytesOf(wire.received)];
  const resumes = readServerHello(received)?.resumes === true;
  return [...greeting(sent), ...answer(received), ...reply(sent, resumes)];
};
