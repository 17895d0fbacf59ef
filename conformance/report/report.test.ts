import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Verdict } from '../verify.ts';
import { junitReport } from './junit.ts';
import { formatSkips, formatTotals, formatVerdict, totalsOf } from './summary.ts';
import { yamlReport } from './yaml.ts';

const verdict = (id: Verdict['id'], outcome: Verdict['outcome'], text = ''): Verdict => ({
  id,
  claim: 'a < b',
  source: 'RFC',
  profile: 'core',
  cell: { driver: 'process', dataPlane: 'dinghy', controlPlane: 'dinghy' },
  outcome,
  text,
  durationMs: 12,
});
const verdicts = [
  verdict('TRAF-HOST-001', 'passed'),
  verdict('H1-SMUG-001', 'failed', 'bytes \x00'),
  verdict('XDS-LIVE-001', 'skipped', 'no process'),
];

describe('reports', () => {
  it('ends with the line that names passed, failed and skipped', () => {
    expect(formatTotals(totalsOf(verdicts))).toBe('1 passed, 1 failed, 1 skipped');
  });

  it('names each skip with its reason', () => {
    expect(verdicts.map(formatVerdict)[2]).toBe('skip XDS-LIVE-001 (process/dinghy): no process');
  });

  it('says once why cases were skipped, and which', () => {
    const more = [...verdicts, verdict('XDS-ACK-001', 'skipped', 'no process')];
    expect(formatSkips(more)).toEqual(['skipped XDS-LIVE-001, XDS-ACK-001: no process']);
  });

  it('lists failures and skips by name in YAML', () => {
    const report = parse(yamlReport({ implementation: 'dinghy', version: '1', node: 'v26', date: 'today' }, verdicts));
    expect(report.cells[0].core).toEqual({
      passed: 1,
      failed: 1,
      skipped: 1,
      failures: ['H1-SMUG-001'],
      skips: [{ id: 'XDS-LIVE-001', reason: 'no process' }],
    });
  });

  it('writes JUnit without bytes that XML cannot hold', () => {
    const xml = junitReport(verdicts);
    expect(xml).toContain('tests="3" failures="1" skipped="1"');
    expect(xml).toContain('a &lt; b');
    expect(xml).not.toContain('\x00');
  });
});
