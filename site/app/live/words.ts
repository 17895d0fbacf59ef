/** What proxies tell, in words. */
import { RESPONSE_FLAGS } from '#api/response-flags.ts';
import type { LoggedExchange } from './types.ts';

const MEANINGS: Readonly<Record<string, { readonly meaning: string }>> = RESPONSE_FLAGS;

/** `UF,URX` → `could not connect to upstream; retries used up`. Empty when there is no flag. */
export const flagWords = (flags: string): string =>
  flags === '' || flags === '-'
    ? ''
    : flags
        .split(',')
        .map((flag) => MEANINGS[flag]?.meaning ?? flag)
        .join('; ');

/** `reviews-v2` → service and version; the version is empty for what has none. */
export const partsOf = (workload: string): { readonly service: string; readonly version: string } => {
  const found = /^(.*)-(v\d+)$/.exec(workload);
  return { service: found?.[1] ?? workload, version: found?.[2] ?? '' };
};

/** `12:03:07.120`, in the reader's own time. */
export const timeOf = (iso: string): string => {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const two = (value: number, size = 2) => String(value).padStart(size, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${two(date.getMilliseconds(), 3)}`;
};

/** Milliseconds with a sensible number of digits. */
export const milliseconds = (ms: number): string => `${ms >= 100 ? Math.round(ms) : Math.round(ms * 10) / 10} ms`;

/** `12 s`, `5 min`, `2 h 5 min`. */
export const since = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** 0…1 as a percentage; only a perfect score reads 100. */
export const percent = (share: number): string => {
  const value = share * 100;
  return `${value === 100 || value < 10 ? Math.round(value * 10) / 10 : Math.min(99.9, Math.round(value * 10) / 10)} %`;
};

/** good, bad, or the mesh's own answer. */
export const toneOf = (exchange: Pick<LoggedExchange, 'status' | 'flags' | 'upstreamHost'>): 'good' | 'warn' | 'bad' | 'mesh' => {
  if (exchange.upstreamHost === '' && exchange.flags !== '' && exchange.flags !== '-') return 'mesh';
  if (exchange.status === 0 || exchange.status >= 500) return 'bad';
  return exchange.status >= 400 ? 'warn' : 'good';
};

/** One sentence on what one caller's proxy did. */
export const sentenceOf = (exchange: LoggedExchange): string => {
  const why = flagWords(exchange.flags);
  const tries = exchange.attempts > 1 ? ` after ${exchange.attempts} tries` : '';
  if (exchange.details !== 'via_upstream') {
    const tried = exchange.upstreamHost === '' ? '' : `; it tried ${exchange.to}`;
    return `The proxy answered ${exchange.status || 'nothing'} itself${tries}${why === '' ? '' : `: ${why}`}${tried}.`;
  }
  return `${exchange.to} answered ${exchange.status || 'nothing'}${tries}${why === '' ? '' : ` (${why})`}.`;
};
