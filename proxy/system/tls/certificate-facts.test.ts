import { expect, test } from 'vitest';
import { testAuthority } from '../../../conformance/certificates/test-authority.ts';
import { factsIn } from './certificate-facts.ts';

test('a subject is told as Envoy does: last part first, signs escaped, bytes beyond ASCII in hexadecimal', async () => {
  const authority = await testAuthority();
  const { certificateChain } = await authority.issue({ uris: ['spiffe://td/ns/a/sa/b'], subject: 'C=DE, O=A \\"q\\"\\, Inc, CN=é' });
  expect(factsIn(certificateChain)[0]?.subject).toBe(String.raw`CN=\C3\A9,O=A \"q\"\, Inc,C=DE`);
});
