import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { expect, it } from 'vitest';
import { readCheck, writeAnswer } from './check-messages.ts';
import { type AskedRequest, decide } from './decide.ts';

const asking = (...headers: [string, string][]): AskedRequest => ({ method: 'GET', host: 'a', path: '/x', headers, body: '' });

it('allows whoever says so, and denies with the reason in words', () => {
  expect(decide(asking(['x-ext-authz', 'allow']), 'o')).toMatchObject({ allowed: true, body: '' });
  expect(decide(asking(['x-ext-authz', 'deny']), 'o').body).toContain('denied by ext_authz');
  expect(decide(asking(), 'o').headers[0]).toEqual(['x-ext-authz-check-result', 'denied']);
});

it('sees every value of a repeated header', () => {
  expect(decide(asking(['x-ext-authz', 'allow'], ['x-ext-authz', 'deny']), 'o').allowed).toBe(false);
  expect(decide(asking(['x-ext-authz', 'allow,deny']), 'o').allowed).toBe(false);
});

it('shows what it received, but no credentials', () => {
  const [, [, received] = ['', '']] = decide(asking(['cookie', 'secret'], ['x', 'a\r\nb']), 'o').headers;
  expect(received).not.toContain('secret');
  expect(received).not.toMatch(/[\r\n]/);
});

it('reads and writes the messages of ext_authz', () => {
  const text = (writer: BinaryWriter, field: number, value: string) => writer.tag(field, WireType.LengthDelimited).string(value);
  const inside = (field: number, fill: (writer: BinaryWriter) => void) => (writer: BinaryWriter) => {
    writer.tag(field, WireType.LengthDelimited).fork();
    fill(writer);
    writer.join();
  };
  const header = inside(3, (w) => text(text(w, 1, 'x-ext-authz'), 2, 'allow'));
  const http = inside(2, (w) => header(text(text(text(w, 2, 'POST'), 4, '/p'), 5, 'host')));
  const check = new BinaryWriter();
  inside(1, inside(4, http))(check);
  expect(readCheck(check.finish())).toEqual({ method: 'POST', path: '/p', host: 'host', body: '', headers: [['x-ext-authz', 'allow']] });
  expect(Buffer.from(writeAnswer(decide(asking(), 'o'))).includes('denied by ext_authz')).toBe(true);
});
