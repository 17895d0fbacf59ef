/** LIVING STATE: who watches over the hosts of one cluster. What nobody asks for is not there, and costs nothing. */
import type { WatchRules } from './health-checks/compile-watch.ts';
import type { Host } from './host.ts';
import { type DetectorRoom, OutlierDetector } from './outlier-detection/outlier-detector.ts';

/** One cluster's watch. */
export class HostWatch {
  readonly #room: DetectorRoom;
  #outliers: OutlierDetector | undefined;

  constructor(room: DetectorRoom) {
    this.#room = room;
  }

  get outliers(): OutlierDetector | undefined {
    return this.#outliers;
  }

  /** Other rules from now on, for hosts that are watched already, too. */
  configure({ outliers }: WatchRules, hosts: Iterable<Host>): void {
    if (outliers && this.#outliers) this.#outliers.configure(outliers);
    else if (outliers) this.#outliers = new OutlierDetector(outliers, this.#room);
    else if (this.#outliers) {
      this.#outliers.close();
      this.#outliers = undefined;
      for (const host of hosts) host.outlier = undefined;
    }
    for (const host of hosts) this.#watchOutlier(host);
  }

  /** Begins with a new host. */
  begin(host: Host): void {
    this.#watchOutlier(host);
  }

  /** A host is gone. */
  end(host: Host): void {
    if (host.outlier) this.#outliers?.forget(host.outlier);
  }

  close(): void {
    this.#outliers?.close();
  }

  #watchOutlier(host: Host): void {
    if (this.#outliers) host.outlier ??= this.#outliers.watch(host);
  }
}
