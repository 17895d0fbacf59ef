/** The ways of several requests through the mesh, told whole: every call that they caused, every try of it, and the limits of the rules that decided. */
import { setTimeout as pause } from 'node:timers/promises';
import type { LoggedExchange, TrafficLog } from '#observability';
import type { LiveMesh } from '../live-mesh.ts';
import { readProxy } from '../proxy-view.ts';
import { OrderError } from '../sender.ts';
import type { RuleLimits, ToldWays } from '../told.ts';

const MOST_REQUESTS = 50;
const LOOK_AGAIN_MS = 60;
/** Callees of tries that were given up tell when they notice that the caller has left. */
const QUIET_LOOKS = 4;
const LIMIT_MS = 3_000;

const keyOf = ({ reporter, ruleResource, ruleField }: LoggedExchange): string => `${reporter} ${ruleResource} ${ruleField}`;

/** Reads until nothing more has come for a moment. */
const untilQuiet = async (read: () => readonly LoggedExchange[]): Promise<readonly LoggedExchange[]> => {
  let told = read();
  for (let [quiet, left] = [0, LIMIT_MS / LOOK_AGAIN_MS]; quiet < QUIET_LOOKS && left > 0; left--) {
    await pause(LOOK_AGAIN_MS);
    const now = read();
    quiet = now.length === told.length && now.length > 0 ? quiet + 1 : 0;
    told = now;
  }
  return told;
};

/** What the proxies themselves have as the limits of those rules: also of an Envoy. */
const limitsOf = async (mesh: LiveMesh, calls: readonly LoggedExchange[]): Promise<readonly RuleLimits[]> => {
  const ruled = new Map(calls.filter(({ ruleResource }) => ruleResource !== '').map((call) => [keyOf(call), call]));
  const reporters = [...new Set([...ruled.values()].map(({ reporter }) => reporter))];
  const limits = await Promise.all(
    reporters.map(async (reporter) => {
      const proxy = [...mesh.workloads, ...mesh.gateways].find(({ name }) => name === reporter);
      if (proxy?.adminUrl === undefined) return [];
      const { routes } = await readProxy({ name: reporter, workloadAt: () => '' }, proxy.adminUrl);
      return [...ruled.values()]
        .filter((call) => call.reporter === reporter)
        .flatMap(({ ruleResource: resource, ruleField: field }) => {
          const route = routes.find((one) => one.resource === resource && one.field === field);
          return route === undefined ? [] : [{ reporter, resource, field, timeoutMs: route.timeoutMs, retries: route.retries }];
        });
    }),
  );
  return limits.flat();
};

/** ids: of requests that were answered. Rejects with OrderError for too many. */
export const waysOf = async (
  { mesh, log }: { readonly mesh: LiveMesh; readonly log: TrafficLog },
  ids: readonly string[],
): Promise<ToldWays> => {
  if (ids.length > MOST_REQUESTS) throw new OrderError(`At most ${MOST_REQUESTS} requests are told at once.`);
  const exchanges = await untilQuiet(() => ids.flatMap((id) => log.request(id)));
  return {
    exchanges,
    limits: await limitsOf(
      mesh,
      exchanges.filter(({ side }) => side !== 'inbound'),
    ).catch(() => []),
  };
};
