import { expect, test } from 'vitest';
import { shownCertificate } from './certificates.ts';

const page = (expiration_time: string, uri = 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews') => ({
  cert_chain: [{ serial_number: '0a', subject_alt_names: [{ uri }], valid_from: '2026-01-01T00:00:00Z', expiration_time }],
});

test('of several contexts the certificate that ends last is shown, with the share of its life that is left', () => {
  const pages = { certificates: [page('2026-01-01T12:00:00Z'), page('2026-01-02T00:00:00Z')] };
  expect(shownCertificate('reviews-v1', pages, Date.parse('2026-01-01T06:00:00Z'))).toEqual({
    workload: 'reviews-v1',
    spiffeId: 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews',
    serial: '0a',
    validFrom: '2026-01-01T00:00:00Z',
    expiresAt: '2026-01-02T00:00:00Z',
    left: 0.75,
  });
});

test('after its end nothing of it is left, and what is no workload’s identity is not shown', () => {
  expect(shownCertificate('a', { certificates: [page('2026-01-02T00:00:00Z')] }, Date.parse('2026-02-01T00:00:00Z'))?.left).toBe(0);
  expect(shownCertificate('a', { certificates: [page('2026-01-02T00:00:00Z', 'https://example.com')] }, 0)).toBeUndefined();
  expect(shownCertificate('a', {}, 0)).toBeUndefined();
});
