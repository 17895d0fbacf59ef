/** `%START_TIME(…)%`: a moment in strftime's words, as far as a log needs them. UTC. */
import { ConfigError } from '#api/config-error.ts';

const two = (value: number): string => String(value).padStart(2, '0');

/** Milliseconds since 1970 → text. Throws ConfigError for letters that this proxy does not know. */
export const timeFormat = (format: string): ((wallMs: number) => string) => {
  if (format === '') return (wallMs) => new Date(wallMs).toISOString();
  if (format === '%s') return (wallMs) => String(Math.floor(wallMs / 1000));
  if (/%[^YmdHMSsTFf3Z]/.test(format.replace('%3f', '')))
    throw new ConfigError('', `the time format '${format}' is not supported by this proxy`);
  return (wallMs) => {
    const at = new Date(wallMs);
    const day = `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
    const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
    const parts: Record<string, string> = {
      Y: day.slice(0, 4),
      m: day.slice(5, 7),
      d: day.slice(8),
      F: day,
      T: time,
      H: time.slice(0, 2),
      M: time.slice(3, 5),
      S: time.slice(6),
      Z: 'UTC',
      s: String(Math.floor(at.getTime() / 1000)),
    };
    const fraction = String(at.getUTCMilliseconds()).padStart(3, '0');
    return format.replace(/%3f/g, fraction).replace(/%([YmdFTHMSZsf])/g, (_, letter: string) => parts[letter] ?? fraction);
  };
};
