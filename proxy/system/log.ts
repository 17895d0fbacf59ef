/** Events, not sentences: `log.info('listener.opened', { name, address })`, one JSON line each. */

/** From loud to quiet; `off` is nothing at all. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'off'] as const;

/** How much is logged. `error`: a person must act; `warn`: we degraded; `info`: lifecycle and configuration; `debug`: per stream. */
export type LogLevel = (typeof LOG_LEVELS)[number];

type Fields = Readonly<Record<string, unknown>>;

/** Event name `room.verb-past`, then fields; never a body, a token or a key. */
export interface Log {
  readonly debug: (event: string, fields?: Fields) => void;
  readonly info: (event: string, fields?: Fields) => void;
  readonly warn: (event: string, fields?: Fields) => void;
  readonly error: (event: string, fields?: Fields) => void;
}

/** write: receives one line without its newline. wallTimeMs: stamps each line. */
export const jsonLog = (level: LogLevel, write: (line: string) => void, wallTimeMs: () => number): Log => {
  const at =
    (own: LogLevel) =>
    (event: string, fields: Fields = {}): void => {
      if (LOG_LEVELS.indexOf(own) < LOG_LEVELS.indexOf(level)) return;
      write(JSON.stringify({ time: new Date(wallTimeMs()).toISOString(), level: own, event, ...fields }));
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
};
