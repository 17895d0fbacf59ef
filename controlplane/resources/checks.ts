/** Small checks that several kinds share; paths start at `spec`. Source: istio pkg/config/validation. */
import { RE2JS } from 're2js';
import type { Complaint } from './problem.ts';

/** An error at a path. */
export const fail = (path: string, message: string): Complaint => ({ severity: 'error', code: 'IST0106', path, message });
/** A warning at a path. */
export const warn = (path: string, message: string): Complaint => ({ severity: 'warning', code: '', path, message });
/** For what is read but does nothing here. */
export const notApplied = (path: string): Complaint => warn(path, 'accepted, but not applied by this mesh yet');

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/** Protobuf's longest duration, ten thousand years. */
const MAX_DURATION_MS = 315_576_000_000_000;

/** "1.5s", "1h2m" → milliseconds; the text has passed the duration shape. */
export const durationMs = (text: string): number =>
  [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * (UNITS[unit ?? 's'] ?? 0),
    0,
  );

/** Istio's limits for any duration: at least 1 ms, whole milliseconds. */
export const checkDuration = (text: string | undefined, path: string): Complaint[] => {
  if (text === undefined) return [];
  const ms = durationMs(text);
  if (ms < 1) return [fail(path, 'duration must be greater than 1ms')];
  if (ms > MAX_DURATION_MS) return [fail(path, 'duration is longer than protobuf can say')];
  return Math.abs(ms - Math.round(ms)) > 1e-9 ? [fail(path, 'only durations to ms precision are supported')] : [];
};

/** Share of requests as per cent: 0, or 0.0001 to 100. */
export const checkPercent = (value: number | undefined, path: string): Complaint[] =>
  value === undefined || value === 0 || (value >= 0.0001 && value <= 100)
    ? []
    : [fail(path, `percentage ${value} is not in range 0.0001..100`)];

/** RE2, at most 1,024 characters, not empty. where: the matched thing, as Istio quotes it. */
export const checkRegex = (text: string | undefined, path: string, where: string): Complaint[] => {
  if (text === undefined) return [];
  if (text === '') return [fail(path, `"${where}": regex string match should not be empty`)];
  if (text.length > 1024) return [fail(path, `"${where}": regex is too large, max length allowed is 1024`)];
  try {
    RE2JS.compile(text);
    return [];
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'cannot be compiled';
    return [fail(path, `"${where}": ${reason}; Istio uses RE2 style regex-based match (https://github.com/google/re2/wiki/Syntax)`)];
  }
};

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const HOST_LABEL = /^[a-zA-Z0-9_](?:[-a-zA-Z0-9_]{0,61}[a-zA-Z0-9_])?$/;

/** A DNS-1123 label, as subset names are. */
export const isDnsLabel = (text: string): boolean => LABEL.test(text);

/** What is wrong with a host name, which may begin with a wildcard label; undefined when nothing is. */
export const hostFault = (host: string): string | undefined => {
  if (host === '') return 'empty domain name not allowed';
  if (host.length > 255) return `domain name "${host.slice(0, 60)}…" too long (max 255)`;
  if (host === '*') return undefined;
  const [first = '', ...rest] = host.replace(/\.$/, '').split('.');
  const wrong = (domain: string, label: string) => `domain name "${domain.slice(0, 100)}" invalid (label "${label.slice(0, 70)}" invalid)`;
  if (!HOST_LABEL.test(first) && (first !== '*' || rest.length === 0)) return wrong(host, first);
  const bad = rest.find((label) => !HOST_LABEL.test(label));
  return bad === undefined ? undefined : wrong(rest.join('.'), bad);
};

/** An error for each host that is none. */
export const checkHosts = (hosts: readonly string[], path: string): Complaint[] =>
  hosts.flatMap((host, index) => {
    const fault = hostFault(host);
    return fault === undefined ? [] : [fail(`${path}[${index}]`, fault)];
  });

/** 1 to 65535. */
export const checkPort = (port: number | undefined, path: string): Complaint[] =>
  port === undefined || (port >= 1 && port <= 65_535) ? [] : [fail(path, `port number ${port} must be in the range 1..65535`)];

/** A limit that must not be negative. name: as Istio's messages call it. */
export const checkLimit = (value: number | undefined, path: string, name: string): Complaint[] =>
  value === undefined || value >= 0 ? [] : [fail(path, `${name} must be non-negative`)];

/** exportTo: `.`, `*`, `~` or namespaces, and `*` stands alone. */
export const checkExportTo = (exportTo: readonly string[] | undefined): Complaint[] => {
  if (!exportTo) return [];
  const bad = exportTo.flatMap((scope, index) =>
    ['.', '*', '~'].includes(scope) || isDnsLabel(scope)
      ? []
      : [fail(`spec.exportTo[${index}]`, `"${scope.slice(0, 70)}" is neither ".", "*" nor a namespace`)],
  );
  return exportTo.length > 1 && exportTo.includes('*')
    ? [...bad, fail('spec.exportTo', '"*" stands alone: nothing may be beside it')]
    : bad;
};

/** Items that stand twice in a list. */
export const repeated = (items: readonly string[]): string[] => [...new Set(items.filter((item, index) => items.indexOf(item) !== index))];
