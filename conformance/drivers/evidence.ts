/** What explains a failure: the changes that were made, what the proxies were told and what they told, as the mesh is at this moment. */
import { parseAllDocuments } from 'yaml';
import type { ExchangeRecords } from './exchange-records.ts';
import type { LiveMesh } from './live-mesh.ts';

const CHANGES_KEPT = 20;
const EXCHANGES_SHOWN = 200;

const orWhyNot = async (what: () => Promise<string>): Promise<string> => {
  try {
    return await what();
  } catch (error) {
    return `not to be had: ${String(error)}\n`;
  }
};

/** One name, one document: of several versions of a resource the last one counts. */
const byName = (yaml: string): Map<string, string> =>
  new Map(
    parseAllDocuments(yaml).flatMap((document): [string, string][] => {
      const { kind, metadata } = (document.toJS() ?? {}) as { kind?: string; metadata?: { namespace?: string; name?: string } };
      return kind === undefined ? [] : [[`${kind} ${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`, document.toString()]];
    }),
  );

/** Keeps the last changes of one mesh. */
export class Journal {
  readonly #live: LiveMesh;
  readonly #records: ExchangeRecords;
  readonly #changes: string[] = [];
  readonly #applied = new Map<string, string>();

  constructor(live: LiveMesh, records: ExchangeRecords) {
    this.#live = live;
    this.#records = records;
  }

  /** Before the change is made, so that one that hangs is there too. */
  note(how: 'apply' | 'delete', yaml: string): void {
    this.#changes.push(`# dinghy ${how} -f\n${yaml.trim()}\n`);
    if (this.#changes.length > CHANGES_KEPT) this.#changes.shift();
    if (how === 'apply') for (const [name, document] of byName(yaml)) this.#applied.set(name, document);
  }

  /** Documents that were applied, deleted since or not; forgets them. Last first, so that nothing is taken away under what needs it. */
  takeApplied(): readonly string[] {
    const documents = [...this.#applied.values()].reverse();
    this.#applied.clear();
    return documents;
  }

  /** File name to content. Never rejects. */
  async evidence(): Promise<Readonly<Record<string, string>>> {
    const live = this.#live;
    const pages = [...live.workloads, ...live.gateways].flatMap(({ name }) =>
      [
        ['config_dump.json', '/config_dump?include_eds'],
        ['clusters.txt', '/clusters'],
        ['stats.txt', '/stats?usedonly'],
      ].map(async ([file = '', path = '']) => [`${name}.${file}`, await orWhyNot(() => live.admin(name, path))] as const),
    );
    return {
      'changes.yaml': this.#changes.join('---\n'),
      'exchanges.jsonl': this.#records
        .last(EXCHANGES_SHOWN)
        .map((exchange) => `${JSON.stringify(exchange)}\n`)
        .join(''),
      'sync.json': await orWhyNot(async () => JSON.stringify(await live.sync(), null, 1)),
      ...Object.fromEntries(await Promise.all(pages)),
    };
  }
}
