import { expect, test } from 'vitest';
import { redirectRules } from './redirect-rules.ts';

const rules = redirectRules({ outbound: 15_001, inbound: 15_006, open: [15_000] }).split('\n');
const chain = (name: string): string[] => rules.filter((rule) => rule.startsWith(`-A ${name} `)).map((rule) => rule.slice(name.length + 4));

test('what comes from outside goes to the inbound port, but for the pages of the sidecar', () => {
  expect(chain('ISTIO_INBOUND')).toEqual(['-p tcp --dport 15000 -j RETURN', '-p tcp -j ISTIO_IN_REDIRECT']);
  expect(chain('ISTIO_IN_REDIRECT')).toEqual(['-p tcp -j REDIRECT --to-ports 15006']);
});

test('what programs dial goes to the outbound port; the sidecar and loopback are let through before that', () => {
  const output = chain('ISTIO_OUTPUT');
  expect(output.at(-1)).toBe('-p tcp -j ISTIO_REDIRECT');
  expect(output).toContain('-m owner --uid-owner 1337 -j RETURN');
  expect(output).toContain('-d 127.0.0.1/32 -j RETURN');
  expect(chain('ISTIO_REDIRECT')).toEqual(['-p tcp -j REDIRECT --to-ports 15001']);
});

test('a sidecar that chose its own pod enters it like everybody else', () => {
  expect(chain('ISTIO_OUTPUT')[0]).toBe('! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT');
});
