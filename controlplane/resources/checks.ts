/** Small checks that several kinds share; paths start at `spec`. Source: istio pkg/config/validation. */
import { RE2JS } from 're2js';
import type { Complaint } from './problem.ts';

/** An error at a path. */
export const fail = (path: string, message: string): Complaint => ({ severity: 'error', code: 'IST0106', path, message });
/** A warning at a path. */
export const warn = (path: string, message: string): Complaint => ({ severity: 'warning', path, message });
/** For what is read but does nothing here. */
export const notApplied = (path: string): Complaint => warn(path, 'accepted, but not applied by this mesh yet');

const UNITS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

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
  return Math.abs(ms - Math.round(ms)) > 1e-9 ? [fail(path, 'only durations to ms precision are supported')] : [];
};

/** Share of requests as per cent: 0, or 0.0001 to 100. */
export const checkPercent = (value: number | undefined, path: string): Complaint[] =>
  value === undefined || value === 0 || (value >= 0.0001 && value <= 100)
    ? []
    : [fail(path, `percentage ${value} is not in range 0.0001..100`)];

/** RE2, at most 1,024 characters, not empty. */
export const checkRegex = (text: string | undefined, path: string): Complaint[] => {
  if (text === undefined) return [];
  if (text === '') return [fail(path, 'regex must not be empty')];
  if (text.length > 1024) return [fail(path, 'regex is too large, max length allowed is 1024')];
  try {
    RE2JS.compile(text);
    return [];
  } catch (error) {
    return [fail(path, `invalid regex (RE2 style): ${error instanceof Error ? error.message : 'cannot be compiled'}`)];
  }
};

const LABEL = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
const HOST =
  /^(?:\*|(?:\*\.)?(?:[a-zA-Z0-9_](?:[-a-zA-Z0-9_]{0,61}[a-zA-Z0-9_])?)(?:\.[a-zA-Z0-9_](?:[-a-zA-Z0-9_]{0,61}[a-zA-Z0-9_])?)*)\.?$/;

/** A DNS-1123 label, as subset names are. */
export const isDnsLabel = (text: string): boolean => LABEL.test(text);
/** A host name, with or without a leading wildcard. */
export const isHost = (text: string): boolean => text.length <= 255 && HOST.test(text);

/** 1 to 65535. */
export const checkPort = (port: number | undefined, path: string): Complaint[] =>
  port === undefined || (port >= 1 && port <= 65_535) ? [] : [fail(path, `port number ${port} must be in the range 1..65535`)];

/** A limit that must not be negative. */
export const checkLimit = (value: number | undefined, path: string): Complaint[] =>
  value === undefined || value >= 0 ? [] : [fail(path, `${path.slice(path.lastIndexOf('.') + 1)} must be non-negative`)];

/** Items that stand twice in a list. */
export const repeated = (items: readonly string[]): string[] => [...new Set(items.filter((item, index) => items.indexOf(item) !== index))];
