/** Which subject alternative names a peer must have one of. Source: CertificateValidationContext; texts: Envoy 1.40. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import type { CertificateValidationContext, StringMatcher } from '#envoy';
import { compileString } from '../http/string-match.ts';
import type { PeerTest } from './secret-store.ts';

const DNS = 2;
const URI = 3;

/** Whether a certificate's name covers a host: `*.a.example` stands for one label. Case does not count. */
export const isDnsMatch = (host: string, name: string): boolean => {
  const [wanted, given] = [host.toLowerCase(), name.toLowerCase()];
  if (!given.startsWith('*.')) return wanted === given;
  const dot = wanted.indexOf('.');
  return dot > 0 && wanted.slice(dot) === given.slice(1);
};

/** The whole name: a part of one proves nothing. */
const nameTest = (matcher: StringMatcher): ((name: string) => boolean) => {
  if (matcher.matchPattern?.$case === 'contains')
    throw new ConfigError('contains', 'not supported by this proxy: a part of a name proves nothing');
  return compileString(matcher);
};

const dnsTest = (matcher: StringMatcher): ((name: string) => boolean) => {
  const pattern = matcher.matchPattern;
  // An exact name also fits a certificate's wildcard.
  if (pattern?.$case === 'exact') return (name) => isDnsMatch(pattern.value, name);
  return nameTest(matcher);
};

type TypedMatcher = CertificateValidationContext['matchTypedSubjectAltNames'][number];

const typedTest = (typed: TypedMatcher): PeerTest => {
  refuseUnsupported(typed, { read: ['sanType', 'matcher'] });
  const { matcher, sanType } = typed;
  if (!matcher) throw new ConfigError('matcher', 'is required');
  const test = inField('matcher', () => (sanType === DNS ? dnsTest(matcher) : nameTest(matcher)));
  if (sanType === DNS) return ({ dnsNames }) => dnsNames.some(test);
  if (sanType === URI) return ({ uris }) => uris.some(test);
  throw new ConfigError('san_type', 'only URI and DNS are supported by this proxy');
};

/** The older form looks at names of every kind. */
const untypedTest = (matcher: StringMatcher): PeerTest => {
  const [uri, dns] = [nameTest(matcher), dnsTest(matcher)];
  return ({ uris, dnsNames }) => uris.some(uri) || dnsNames.some(dns);
};

/** One of them must hold; empty: any name will do. Throws ConfigError with a path relative to the validation context. */
export const compileNameTests = (context: CertificateValidationContext): readonly PeerTest[] => [
  ...context.matchTypedSubjectAltNames.map((typed, index) => inField(`match_typed_subject_alt_names[${index}]`, () => typedTest(typed))),
  ...context.matchSubjectAltNames.map((matcher, index) => inField(`match_subject_alt_names[${index}]`, () => untypedTest(matcher))),
];
