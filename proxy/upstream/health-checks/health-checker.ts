/** LIVING STATE of one cluster's health checks: a session for each host that is checked. */
import type { MetricScope } from '#system/metrics.ts';
import type { Connection } from '#system/network.ts';
import type { System } from '#system/system.ts';
import type { CheckAt } from '../compile-endpoints.ts';
import type { SocketLabels } from '../transport-sockets.ts';
import { type CheckLogRules, checkLog } from './check-log.ts';
import { type CheckedHost, CheckSession } from './check-session.ts';
import { checkStats } from './check-stats.ts';
import type { HealthCheckRules, ProbeRules } from './compile-health-check.ts';
import { GrpcProbe } from './grpc-probe.ts';
import { HttpProbe } from './http-probe.ts';
import type { Probe, ProbeRoom } from './probe.ts';
import { TcpProbe } from './tcp-probe.ts';

/** A host that can be asked. */
export interface CheckableHost extends CheckedHost {
  /** What its configuration says of checks. */
  readonly checkAt: CheckAt | undefined;
  check: CheckSession | undefined;
  dialForCheck(how: CheckDial): Promise<Connection>;
  isSecureFor(labels: SocketLabels | undefined): boolean;
}

/** One connection for a check. */
export interface CheckDial {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Absent: secured as requests are. */
  readonly labels: SocketLabels | undefined;
}

/** What it stands on. */
export interface CheckerRoom {
  readonly system: System;
  readonly clusterName: string;
  readonly scope: MetricScope;
  hasTraffic(): boolean;
  checked(host: CheckedHost, passed: boolean): void;
}

const NAMES = { http: 'HTTP', tcp: 'TCP', grpc: 'GRPC' } as const satisfies Record<ProbeRules['kind'], CheckLogRules['checker']>;

const ownName = (probe: ProbeRules): string => (probe.kind === 'http' ? probe.host : probe.kind === 'grpc' ? probe.authority : '');

const probeFor = (rules: ProbeRules, room: ProbeRoom): Probe => {
  switch (rules.kind) {
    case 'http':
      return new HttpProbe(rules, room);
    case 'tcp':
      return new TcpProbe(rules, room);
    case 'grpc':
      return new GrpcProbe(rules, room);
  }
};

/** One cluster's checks, under rules that do not change. */
export class HealthChecker {
  readonly rules: HealthCheckRules;
  readonly #room: CheckerRoom;
  readonly #stats;
  readonly #tell;

  constructor(rules: HealthCheckRules, room: CheckerRoom) {
    this.rules = rules;
    this.#room = room;
    this.#stats = checkStats(room.scope);
    this.#tell = checkLog({ cluster: room.clusterName, checker: NAMES[rules.probe.kind], path: rules.eventLogPath }, room.system);
  }

  /** Begins to check a host, unless its configuration forbids it. */
  watch(host: CheckableHost): void {
    if (host.check || host.checkAt?.isDisabled) return;
    const { system, hasTraffic, checked } = this.#room;
    const { rules } = this;
    host.check = new CheckSession(
      host,
      { system, rules, stats: this.#stats, tell: this.#tell, hasTraffic, checked },
      probeFor(rules.probe, this.#probeRoom(host)),
    );
  }

  /** Ends the checks of a host; what they found stays. */
  forget(host: CheckableHost): void {
    host.check?.close();
    host.check = undefined;
  }

  #probeRoom(host: CheckableHost): ProbeRoom {
    const { system, clusterName } = this.#room;
    const { probe, timeoutMs, socketLabels: labels, reusesConnection } = this.rules;
    return {
      system,
      dial: (signal) => host.dialForCheck({ timeoutMs, signal, labels }),
      authority: host.checkAt?.hostname || ownName(probe) || clusterName,
      isSecure: host.isSecureFor(labels),
      reusesConnection,
      timeoutMs,
      verified: () => this.#stats.verified.value++,
    };
  }
}
