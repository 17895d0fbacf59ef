/** `/certs`: certificates of every TLS context as envoy.admin.v3.Certificates. */
import { type AdminAnswer, json } from './answer.ts';
import type { AdminView, CertificateStatus } from './view.ts';

const DAY_MS = 86_400_000;

/** Envoy writes whole seconds. */
const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** What came from a secret has no file. */
const pathOf = (name: string): string => (name.includes('/') ? name : '<inline>');

const certificateOf = (name: string, { serial, uris, dnsNames, notBeforeMs, notAfterMs }: CertificateStatus, nowMs: number): object => ({
  path: pathOf(name),
  serial_number: serial,
  subject_alt_names: [...dnsNames.map((dns) => ({ dns })), ...uris.map((uri) => ({ uri }))],
  days_until_expiration: String(Math.max(0, Math.floor((notAfterMs - nowMs) / DAY_MS))),
  valid_from: timeOf(notBeforeMs),
  expiration_time: timeOf(notAfterMs),
});

/** Roots and the own chain, a context each; keys are not even known here. */
export const certificates = (view: Pick<AdminView, 'certificates' | 'wallTimeMs'>): AdminAnswer => {
  const nowMs = view.wallTimeMs();
  return json({
    certificates: view.certificates().map(({ roots, rootsName, chain, chainName }) => ({
      ca_cert: roots.map((facts) => certificateOf(rootsName, facts, nowMs)),
      cert_chain: chain.map((facts) => certificateOf(chainName, facts, nowMs)),
    })),
  });
};
