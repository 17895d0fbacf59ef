import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { testAuthority } from './test-authority.ts';

const ID = 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews';

test('a leaf is signed by its root, has the name it was asked for and a key that fits', async () => {
  const authority = await testAuthority();
  const { certificateChain, privateKey } = await authority.issue({ uris: [ID] });
  const leaf = new X509Certificate(certificateChain);
  expect(leaf.verify(new X509Certificate(authority.roots).publicKey)).toBe(true);
  expect(leaf.subjectAltName).toBe(`URI:${ID}`);
  const { createPrivateKey } = await import('node:crypto');
  expect(leaf.checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
});

test('a leaf may be expired', async () => {
  const { certificateChain } = await (await testAuthority()).issue({ uris: [ID], fromDays: -3, untilDays: -1 });
  expect(Date.parse(new X509Certificate(certificateChain).validTo)).toBeLessThan(Date.now());
});
