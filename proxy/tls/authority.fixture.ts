/** An authority of the simulated world, that can be away or wrong. */
import type { Clock } from '#system/clock.ts';
import { readRequest, writeCertificate } from '../system/tls/simulated-certificate.ts';
import type { IssueCertificate, IssueRequest } from './certificate-client.ts';

export const ME = 'spiffe://cluster.local/ns/default/sa/me';

/** PEM of a root with this key. */
export const rootPem = (key: string, untilMs = Date.UTC(9999, 11, 31)): string =>
  writeCertificate({
    subject: `CN=${key}`,
    issuer: `CN=${key}`,
    uris: [],
    dnsNames: [],
    serial: '01',
    notBeforeMs: 0,
    notAfterMs: untilMs,
    isAuthority: true,
    key,
    signedBy: key,
  });

/** `asked` grows with each request; `answer` may be replaced. */
export const authority = (clock: Clock, key = 'root') => {
  let serial = 1;
  const asked: { readonly request: IssueRequest; readonly atMs: number }[] = [];
  const leaf = ({ csr, lifeSeconds }: IssueRequest, extra: { readonly identity?: string; readonly key?: string } = {}): string => {
    const request = readRequest(csr);
    return writeCertificate({
      subject: '',
      issuer: `CN=${key}`,
      uris: [extra.identity ?? request.identity],
      dnsNames: [],
      serial: (++serial).toString(16).padStart(2, '0'),
      notBeforeMs: clock.wallTimeMs() - 10_000,
      notAfterMs: clock.wallTimeMs() + lifeSeconds * 1000,
      isAuthority: false,
      key: extra.key ?? request.key,
      signedBy: key,
    });
  };
  const state = {
    asked,
    leaf,
    answer: ((request) => Promise.resolve(leaf(request))) as IssueCertificate,
    issue: (request: IssueRequest): Promise<string> => {
      asked.push({ request, atMs: clock.wallTimeMs() });
      return state.answer(request);
    },
  };
  return state;
};
