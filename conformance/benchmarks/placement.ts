/** Which core a program runs on: the measured proxies on one, load and backend on the other, so that neither is counted as the other's wait. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const TASKSET = '/usr/bin/taskset';

/** False on one core and where util-linux is not there: then all share what there is. */
export const pinned: boolean = availableParallelism() > 1 && existsSync(TASKSET);

/** The command line that runs a program on one core. */
export const onCore = (core: 0 | 1, program: string, args: readonly string[]): readonly [string, readonly string[]] =>
  pinned ? [TASKSET, ['-c', String(core), program, ...args]] : [program, args];

/** Where the proxies run. */
export const PROXY_CORE = 0;

/** Where load and backend run. */
export const LOAD_CORE = 1;
