/** What the sidecars count of handshakes, summed over a mesh. */
import type { Environment } from '#environment';
import { RING, workloadOf } from './soak-mesh.ts';

/** Handshakes of all sidecars, both ends. */
export interface HandshakeFigures {
  readonly succeeded: number;
  /** By the counter's last word, such as `connection_error`; those that count nothing are left out. */
  readonly failed: Readonly<Record<string, number>>;
}

const COUNTER = /^(?:listener|cluster)\..*\.?ssl\.(handshake|connection_error|fail_verify_\w+): (\d+)$/;

/** Since the sidecars started. */
export const handshakeFigures = async ({ admin }: Pick<Environment, 'admin'>): Promise<HandshakeFigures> => {
  let succeeded = 0;
  const failed: Record<string, number> = {};
  for (const member of RING)
    for (const line of (await admin(workloadOf(member), '/stats')).split('\n')) {
      const [, counter = '', count = '0'] = COUNTER.exec(line) ?? [];
      if (counter === 'handshake') succeeded += Number(count);
      else if (counter !== '' && count !== '0') failed[counter] = (failed[counter] ?? 0) + Number(count);
    }
  return { succeeded, failed };
};
