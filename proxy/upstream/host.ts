/** LIVING STATE of one endpoint, found again by (cluster, address) when the configuration changes. */

import type { ConfiguredHealth, EndpointConfig } from './compile-endpoints.ts';
import type { HealthyCandidate } from './host-set.ts';
import { Http1Pool } from './pools/http1-pool.ts';
import type { Pool, PoolHost, PoolRoom } from './pools/pool.ts';

/** A host that may be picked, with its connections and its counts. */
export class Host implements HealthyCandidate, PoolHost {
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly pool: Pool;
  hostname: string;
  weight: number;
  health: ConfiguredHealth;
  activeRequests = 0;
  connections = 0;
  connectFailures = 0;
  openedConnections = 0;
  requests = 0;
  successes = 0;
  errors = 0;
  timeouts = 0;

  constructor(endpoint: EndpointConfig, room: PoolRoom) {
    this.key = endpoint.key;
    this.address = endpoint.address;
    this.port = endpoint.port;
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.health = endpoint.health;
    this.pool = new Http1Pool(this, room);
  }

  /** What the configuration says now; load and connections stay. */
  update(endpoint: EndpointConfig): void {
    this.hostname = endpoint.hostname;
    this.weight = endpoint.weight;
    this.health = endpoint.health;
  }
}
