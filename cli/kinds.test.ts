/** What people type for kinds and names. */
import { expect, it } from 'vitest';
import { kindNamed, readWanted } from './kinds.ts';

it.each([
  ['vs', 'VirtualService'],
  ['virtualservices', 'VirtualService'],
  ['VirtualService', 'VirtualService'],
  ['virtualservices.networking.istio.io', 'VirtualService'],
  ['authorizationpolicies', 'AuthorizationPolicy'],
  ['svc', 'Service'],
  ['httproutes', 'HTTPRoute'],
  ['certificates', 'Certificate'],
])('%s means %s', (word, kind) => {
  expect(kindNamed(word, ['Certificate'])).toBe(kind);
});

it('a word that means no kind is an error that names the kinds', () => {
  expect(() => kindNamed('vz', [])).toThrow(/there is no kind "vz"; kinds are .*VirtualService/);
  expect(() => kindNamed('constructor', [])).toThrow('there is no kind');
});

it.each([
  ['vs', [{ kind: 'VirtualService', names: [] }]],
  ['vs a b', [{ kind: 'VirtualService', names: ['a', 'b'] }]],
  [
    'vs,dr',
    [
      { kind: 'VirtualService', names: [] },
      { kind: 'DestinationRule', names: [] },
    ],
  ],
  [
    'vs/a svc/b',
    [
      { kind: 'VirtualService', names: ['a'] },
      { kind: 'Service', names: ['b'] },
    ],
  ],
  ['all', undefined],
])('reads %s as kubectl does', (line, wanted) => {
  expect(readWanted(line.split(' '), [])).toEqual(wanted);
});

it('does not guess where forms are mixed', () => {
  expect(() => readWanted(['vs/a', 'b'], [])).toThrow('"b" is not KIND/NAME');
});
