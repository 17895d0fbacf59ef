/** A proxy in the simulated world that no control plane configures. */
import { readBootstrap, startProxy } from '#proxy';
import type { SimulatedSystem } from '#system/simulated-system.ts';
import type { StartLone } from '../mode.ts';

/** systemOf: of a process of its own, at that address. */
export const startSimulatedLone =
  (nextAddress: () => string, systemOf: (address: string, onLine: (path: string, line: string) => void) => SimulatedSystem): StartLone =>
  async (bootstrapOf) => {
    const address = nextAddress();
    const lines: string[] = [];
    const bootstrap = await readBootstrap(bootstrapOf(address), 'bootstrap.json');
    const proxy = await startProxy(
      bootstrap,
      systemOf(address, (_path, line) => void lines.push(line)),
    );
    return { address, lines, [Symbol.asyncDispose]: () => proxy.close() };
  };
