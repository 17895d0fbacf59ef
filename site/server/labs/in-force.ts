/** Waits until a change is in force at every proxy, so that the first request after it already meets it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { SyncStatus } from '#api/sync.ts';
import type { ControlPlaneClient } from '#environment';

const ASK_EVERY_MS = 15;
/** A proxy that refuses a change never has it in force: the xDS page tells that; nobody waits longer for it. */
const LIMIT_MS = 3_000;

const behind = ({ proxies }: SyncStatus, version: number): boolean => proxies.some((proxy) => proxy.version < version);

/** version: the one to wait for; absent: the newest. */
export const inForce = async (controlPlane: ControlPlaneClient, version?: number): Promise<void> => {
  const limit = AbortSignal.timeout(LIMIT_MS);
  let status = await controlPlane.sync();
  const wanted = version ?? status.version;
  while (behind(status, wanted) && !limit.aborted) {
    await pause(ASK_EVERY_MS);
    status = await controlPlane.sync();
  }
};
