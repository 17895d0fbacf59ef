/** The world, as one parameter. It is passed to constructors and `compile`, once; a request never carries it. */
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Network } from './network.ts';
import type { Random } from './random.ts';
import type { Tls } from './tls/tls.ts';

/** Everything that a plane may reach out to. Two implementations: real-system.ts and simulated-system.ts. */
export interface System {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly tls: Tls;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Appends one line (without newline) to an access-log file; `/dev/stdout` and `/dev/stderr` name the streams. Buffered, never blocks. */
  readonly appendLine: (path: string, line: string) => void;
}
