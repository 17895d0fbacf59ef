/** A connection manager's filters around each route's end: the walk of every request, put together when the snapshot is built. */
import { ConfigError, inField, refuseUnsupported } from '#api/config-error.ts';
import { durationMs } from '#api/units.ts';
import { type Any, type HttpConnectionManager, type RetryPolicy, Router } from '#envoy';
import type { Counter, MetricScope } from '#system/metrics.ts';
import type { System } from '#system/system.ts';
import { decodeConfig } from '../filters/decode-config.ts';
import type { FilterRoom, FilterType } from '../filters/filter-type.ts';
import { filterTypeOf, ROUTER_TYPE_URL } from '../filters/registry.ts';
import type { Handler, HttpFilter } from '../http/filter.ts';
import { StreamError } from '../http/stream-error.ts';
import { compileRetry, type RetryRules } from '../router/compile-retry.ts';
import { ownAnswer, withReplyEdits } from '../router/own-answer.ts';
import { buildRouter, type RouterPlan } from '../router/router.ts';
import type { UpstreamSlot } from '../router/upstream-cluster.ts';
import type { ForwardPlan, Target } from '../routing/compile-action.ts';
import type { RoutePlan } from '../routing/compile-routes.ts';
import { compileLayer } from '../routing/header-edits.ts';
import { compileMatch, compilePath, pathOf } from '../routing/match.ts';
import type { ComposeRoutes, MatchAgain, Walk } from '../routing/route-table.ts';
import { trafficSplit } from '../routing/traffic-split.ts';

/** What composing stands on. */
export interface ComposeRooms {
  readonly system: System;
  slot(cluster: string): UpstreamSlot;
  readonly dial: FilterRoom['dial'];
}

interface FilterRow {
  readonly name: string;
  readonly type: FilterType;
  readonly config: Any;
  readonly base: HttpFilter | undefined;
  readonly clearsRoute: boolean;
}

/** A row's filter on one route; absent when it has nothing to do there. */
interface Step {
  readonly filter: HttpFilter | undefined;
  readonly clearsRoute: boolean;
}

type HttpFilterConfig = HttpConnectionManager['httpFilters'][number];

const typedConfigOf = (filter: HttpFilterConfig): Any => {
  refuseUnsupported(filter, { read: ['name', 'configType', 'isOptional', 'disabled'] });
  if (filter.name === '') throw new ConfigError('name', 'must not be empty');
  if (filter.configType?.$case !== 'typedConfig') throw new ConfigError('typed_config', 'is required');
  return filter.configType.value;
};

const NO_ROUTE: Handler = () => Promise.reject(new StreamError('NR', { codeDetails: 'route_not_found' }));

const counting =
  (handle: Handler, ...counters: readonly Counter[]): Handler =>
  (request, stream) => {
    for (const counter of counters) counter.value++;
    return handle(request, stream);
  };

const TO_HTTPS: Handler = ownAnswer(
  { status: 301, body: new Uint8Array(0), location: (request) => `https://${request.authority}${request.path}` },
  [],
);

/** A route's edits where the exchange may have been matched again, and so may have another route's by now. */
const ofThisRoute = ({ name, metadata, responseEdits }: RoutePlan): RoutePlan['responseEdits'] =>
  responseEdits.map((edit) => (draft, request, stream) => {
    if (stream.routeName === name && stream.routeMetadata === metadata) edit(draft, request, stream);
  });

/** What a filter found out or changed may decide the route. */
const rerouting =
  (filter: HttpFilter, next: Handler, again: Handler): Handler =>
  (request, stream) => {
    const before = stream.metadata;
    return filter(request, stream, (changed, same) => {
      const isSettled = same.metadata === before && changed.headers === request.headers && changed.path === request.path;
      return isSettled ? next(changed, same) : again(changed, same);
    });
  };

/** First step outermost. */
const compose = (steps: readonly Step[], end: Handler, again: MatchAgain): Walk => {
  const after: Handler[] = [];
  let pending = steps.filter(({ clearsRoute }) => clearsRoute).length;
  const handle = steps.reduceRight<Handler>((next, { filter, clearsRoute }) => {
    if (clearsRoute) {
      const at = --pending;
      after.unshift(next);
      return filter ? rerouting(filter, next, (request, stream) => again(request, stream, at)) : next;
    }
    return filter ? (request, stream) => filter(request, stream, next) : next;
  }, end);
  return { handle, after };
};

/** Retry policies by identity: a virtual host's policy is shared by all its routes. */
export const retryRulesOf = (memo: WeakMap<RetryPolicy, RetryRules>, plan: RoutePlan, forward: ForwardPlan): RetryRules | undefined => {
  const policy = forward.retry;
  if (!policy) return undefined;
  const known = memo.get(policy);
  if (known) return known;
  const place = forward.retryOnRoute ? `${plan.path}.route` : plan.path.replace(/\.routes\[\d+\]$/, '');
  const rules = inField(`${place}.retry_policy`, () => compileRetry(policy));
  memo.set(policy, rules);
  return rules;
};

/** What requests came to at the end of their walks, under Envoy's names. */
type Tally = Readonly<Record<'total' | 'noRoute' | 'noCluster' | 'redirect' | 'directResponse', Counter>>;

const tallyOf = (scope: MetricScope): Tally => ({
  total: scope.counter('rq_total'),
  noRoute: scope.counter('no_route'),
  noCluster: scope.counter('no_cluster'),
  redirect: scope.counter('rq_redirect'),
  directResponse: scope.counter('rq_direct_response'),
});

/** The filters of one connection manager, compiled; composes its routes. */
export class HttpWalk implements ComposeRoutes {
  readonly toHttps: Handler;
  readonly #rooms: ComposeRooms;
  readonly #filterRoom: FilterRoom;
  readonly #rows: FilterRow[] = [];
  readonly #base: readonly Step[];
  readonly #router: Router;
  readonly #hasInternalClients: boolean;
  readonly #maxStreamMs: number;
  readonly #tally: Tally;
  readonly #overridden = new WeakMap<Any, Map<FilterRow, HttpFilter | undefined>>();
  readonly #retryRules: WeakMap<RetryPolicy, RetryRules>;

  /** Throws ConfigError with a path relative to the connection manager. */
  constructor(config: HttpConnectionManager, rooms: ComposeRooms, retryRules: WeakMap<RetryPolicy, RetryRules>) {
    this.#rooms = rooms;
    this.#retryRules = retryRules;
    this.#filterRoom = {
      system: rooms.system,
      random: rooms.system.random.stream(`filters:${config.statPrefix}`),
      place: config.statPrefix,
      headerEdits: (add, field) => compileLayer({ add, remove: [] }, { add: field, remove: '' }),
      statPrefix: config.statPrefix,
      upstream: (cluster) => this.#upstream(cluster),
      dial: rooms.dial,
      requestTest: (match) => {
        // A filter's own rules are asked before anybody found out anything.
        if (match.dynamicMetadata.length > 0) throw new ConfigError('dynamic_metadata', 'not supported in rules of a filter');
        const test = compileMatch(match, compilePath(match), rooms.system.random);
        return (request) => test(request, pathOf(request.path));
      },
    };
    const last = config.httpFilters.length - 1;
    if (last < 0) throw new ConfigError('http_filters', 'must end with the router filter');
    let router = Router.fromPartial({});
    for (const [index, filter] of config.httpFilters.entries()) {
      inField(`http_filters[${index}]`, () => {
        const typedConfig = typedConfigOf(filter);
        const isRouter = typedConfig.typeUrl === ROUTER_TYPE_URL;
        if (isRouter !== (index === last))
          throw new ConfigError('', isRouter ? 'the router must be the last filter' : 'the last filter must be the router');
        if (isRouter) router = inField('typed_config', () => compileRouter(typedConfig));
        else this.#addRow(filter, typedConfig);
      });
    }
    this.#router = router;
    this.#hasInternalClients = (config.internalAddressConfig?.cidrRanges.length ?? 0) > 0;
    this.#maxStreamMs = durationMs(config.commonHttpProtocolOptions?.maxStreamDuration) ?? 0;
    this.#base = this.#rows.map(({ base, clearsRoute }) => ({ filter: base, clearsRoute }));
    this.#tally = tallyOf(rooms.system.metrics.scope('http', config.statPrefix));
    this.toHttps = TO_HTTPS;
  }

  noRoute(again: MatchAgain): Walk {
    return compose(this.#base, counting(NO_ROUTE, this.#tally.total, this.#tally.noRoute), again);
  }

  /** Throws ConfigError with a path relative to the route configuration. */
  route(plan: RoutePlan, again: MatchAgain): Walk {
    const { action, responseEdits } = plan;
    const end = action.kind === 'answer' ? this.#answer(action, responseEdits) : this.#forward(plan, action.forward);
    const steps = this.#stepsFor(plan);
    const { handle, after } = compose(steps, end, again);
    const dressed = (walk: Handler): Handler => {
      const edited = responseEdits.length > 0 ? withReplyEdits(walk, after.length > 0 ? ofThisRoute(plan) : responseEdits) : walk;
      return steps.some(({ filter }) => filter) && action.kind === 'forward' ? this.#naming(action.forward, edited) : edited;
    };
    return { handle: dressed(handle), after: after.map(dressed) };
  }

  #answer({ answer, redirects }: Extract<RoutePlan['action'], { kind: 'answer' }>, edits: RoutePlan['responseEdits']): Handler {
    const { total, redirect, directResponse } = this.#tally;
    return counting(ownAnswer(answer, edits), total, redirects ? redirect : directResponse);
  }

  #addRow(filter: HttpFilterConfig, config: Any): void {
    inField('typed_config', () => {
      const type = filterTypeOf(config.typeUrl);
      const base = type.compile(config, this.#roomFor(filter.name));
      const clearsRoute = type.clearsRoute?.(config) ?? false;
      this.#rows.push({ name: filter.name, type, config, base: filter.disabled ? undefined : base, clearsRoute });
    });
  }

  #stepsFor(plan: RoutePlan): readonly Step[] {
    if (plan.overrides.length === 0) return this.#base;
    return this.#rows.map((row) => ({ filter: this.#filterFor(row, plan), clearsRoute: row.clearsRoute }));
  }

  #filterFor(row: FilterRow, plan: RoutePlan): HttpFilter | undefined {
    if (row.type.forwardedOnly && plan.action.kind === 'answer') return undefined;
    const override = plan.overrides.find((overrides) => Object.hasOwn(overrides, row.name))?.[row.name];
    return override ? this.#override(row, override, plan) : row.base;
  }

  /** What is left to chance is a sequence of the place that it is left to chance at. */
  #roomFor(...place: readonly string[]): FilterRoom {
    const name = [this.#filterRoom.statPrefix, ...place].join('/');
    return { ...this.#filterRoom, place: name, random: this.#rooms.system.random.stream(`filter:${name}`) };
  }

  #override(row: FilterRow, override: Any, { path, seat }: RoutePlan): HttpFilter | undefined {
    const compiled = this.#overridden.get(override) ?? new Map<FilterRow, HttpFilter | undefined>();
    this.#overridden.set(override, compiled);
    if (compiled.has(row)) return compiled.get(row);
    const filter = inField(`${path}.typed_per_filter_config[${row.name}]`, () => {
      if (!row.type.compileRoute) throw new ConfigError('', 'this filter has no settings per route');
      return row.type.compileRoute(row.config, override, this.#roomFor(row.name, seat));
    });
    compiled.set(row, filter);
    return filter;
  }

  #forward(plan: RoutePlan, forward: ForwardPlan): Handler {
    const retry = retryRulesOf(this.#retryRules, plan, forward);
    const mirrors = forward.mirrors
      .filter(({ share }) => share > 0)
      .map((mirror) => ({ ...mirror, slot: this.#rooms.slot(mirror.cluster) }));
    const routers = forward.targets.map((target) => ({
      weight: target.weight,
      handle: buildRouter({ ...this.#targetPlan(plan, forward, target), retry, mirrors }, this.#rooms.system),
    }));
    const draw = trafficSplit(routers, this.#rooms.system.random.stream(`split:${plan.seat}`));
    const [only] = routers;
    return routers.length === 1 && only ? only.handle : (request, stream) => draw().handle(request, stream);
  }

  /** Filters that answer themselves are logged with the cluster that the request would have gone to. */
  #naming({ targets }: ForwardPlan, walk: Handler): Handler {
    const [only, ...others] = targets;
    if (!only || others.length > 0) return walk;
    const slot = this.#rooms.slot(only.cluster);
    return (request, stream) => {
      if (slot.current) stream.clusterName = slot.name;
      return walk(request, stream);
    };
  }

  #askedOf(plan: RoutePlan, target: Target): RouterPlan['asked'] {
    const expected = this.#router.respectExpectedRqTimeout ? 'heeded' : 'overwritten';
    if (this.#hasInternalClients) return { by: 'clients', expected };
    return plan.editsAsk || target.editsAsk ? { by: 'edits', expected } : undefined;
  }

  #targetPlan(plan: RoutePlan, forward: ForwardPlan, target: Target): Omit<RouterPlan, 'retry' | 'mirrors'> {
    return {
      slot: this.#rooms.slot(target.cluster),
      requestEdits: [...target.requestEdits, ...plan.requestEdits],
      responseEdits: [...target.responseEdits, ...plan.responseEdits],
      hostRewrite: target.hostRewrite,
      hash: forward.hash,
      subset: target.subset,
      rewritePath: forward.rewritePath,
      appendForwardedHost: forward.appendForwardedHost,
      attemptCount: plan.attemptCount,
      attemptCountInResponse: plan.attemptCountInResponse,
      envoyHeaders: !this.#router.suppressEnvoyHeaders,
      timeoutMs: forward.timeoutMs,
      maxGrpcTimeoutMs: forward.maxGrpcTimeoutMs,
      grpcOffsetMs: forward.grpcOffsetMs,
      streamLimit: { ...forward.streamLimit, ms: forward.streamLimit.ms ?? this.#maxStreamMs },
      seat: plan.seat,
      asked: this.#askedOf(plan, target),
      bufferBytes: plan.bufferBytes,
      clusterNotFoundStatus: forward.clusterNotFoundStatus,
      tally: this.#tally,
      ...(forward.priority && { priority: forward.priority }),
    };
  }

  #upstream(name: string): Handler {
    const slot = this.#rooms.slot(name);
    const notFound = () => new StreamError('NC', { codeDetails: 'cluster_not_found' });
    return (request, stream) => slot.current?.send(request, stream, { repicks: 0 }) ?? Promise.reject(notFound());
  }
}

const compileRouter = (any: Any): Router => {
  const config = decodeConfig(any, Router);
  refuseUnsupported(config, {
    read: ['suppressEnvoyHeaders', 'respectExpectedRqTimeout'],
    // Statistics are always there; spans are the tracer's.
    ignored: ['dynamicStats', 'startChildSpan', 'suppressGrpcRequestFailureCodeStats'],
  });
  return config;
};
