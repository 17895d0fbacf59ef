/** LIVING STATE: child processes: started, listened to, restarted, and never left behind. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { constants, createWriteStream, existsSync, mkdirSync, openSync, type WriteStream } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A program to run. */
export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  /** A function is asked before each start. */
  readonly args: readonly string[] | (() => readonly string[]);
  readonly env?: Readonly<Record<string, string>>;
  /** Each line of its standard output; return true when the line was understood and need not be kept in the log. */
  readonly onLine?: (line: string) => boolean;
  /** Its standard output must be something that it can open by the name /dev/stdout, as Envoy does: a FIFO of that path. */
  readonly fifo?: string;
  /** Done before each of its starts; tried again after a while when it fails. */
  readonly prepare?: () => Promise<void>;
  /** Started again when it ends by itself. */
  readonly restart: boolean;
  /** It ended by itself; its last lines say why. */
  readonly onEnd?: () => void;
}

/** A program that runs. */
export interface Child {
  readonly name: string;
  readonly pid: () => number | undefined;
  /** Last lines of its log, newest last. */
  readonly lastLines: () => readonly string[];
  /** How often it ended by itself without having run well in between. */
  readonly failures: () => number;
  /** True once it ended and will not be started again. */
  readonly ended: () => boolean;
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const KEPT_LINES = 40;
const STOP_PATIENCE_MS = 3000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5000;
const PREPARE_AGAIN_MS = 200;
/** Who ran for this long had a good start: its next end is not counted to the ones before. */
const GOOD_RUN_MS = 10_000;

/** Everything one environment runs. directory: where logs go, one file a program. */
export class Supervisor {
  readonly #directory: string;
  readonly #children: SupervisedChild[] = [];
  readonly #guardian: ChildProcess;
  #isOver = false;

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#guardian = spawn(process.execPath, [join(ROOT, 'environment/guardian.mjs')], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#guardian.stdin?.on('error', () => {});
    this.#guardian.unref();
  }

  /** Throws once everything is being ended. */
  start(spec: ChildSpec): Child {
    if (this.#isOver) throw new Error(`${spec.name} is not started any more: everything is being ended`);
    const child = new SupervisedChild(spec, join(this.#directory, `${spec.name}.log`), (verb, pid) => this.#tellGuardian(`${verb} ${pid}`));
    this.#children.push(child);
    return child;
  }

  /** A file or folder that must not outlive the environment. */
  ownFile(path: string): void {
    this.#tellGuardian(`file ${path}`);
  }

  /** Undoes what is no process of this machine, when nobody else is left to. */
  ownCommand(command: readonly string[]): void {
    this.#tellGuardian(`run ${JSON.stringify(command)}`);
  }

  /** It is undone already. */
  disownCommand(command: readonly string[]): void {
    this.#tellGuardian(`unrun ${JSON.stringify(command)}`);
  }

  pids(): number[] {
    return this.#children.flatMap((child) => child.pid() ?? []);
  }

  /** Programs first started end last. Safe to call twice. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#children.toReversed().map((child) => child.stop()));
    this.#guardian.stdin?.end();
  }

  #tellGuardian(line: string): void {
    if (this.#guardian.stdin?.writable) this.#guardian.stdin.write(`${line}\n`);
  }
}

/** Opened for both ways, so that it stays open while its writer restarts. */
const openFifo = (path: string): number => {
  if (!existsSync(path)) spawnSync('mkfifo', ['-m', '600', path]);
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
};

class SupervisedChild implements Child {
  readonly name: string;
  readonly #spec: ChildSpec;
  readonly #log: WriteStream;
  readonly #tell: (verb: 'add' | 'drop', pid: number) => void;
  readonly #lines: string[] = [];
  #process: ChildProcess | undefined;
  #stopping = false;
  #over = false;
  #failures = 0;
  #startedAtMs = 0;

  constructor(spec: ChildSpec, logFile: string, tell: (verb: 'add' | 'drop', pid: number) => void) {
    this.name = spec.name;
    this.#spec = spec;
    this.#tell = tell;
    this.#log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    this.#begin();
  }

  readonly pid = (): number | undefined => this.#process?.pid;

  readonly lastLines = (): readonly string[] => this.#lines;

  readonly failures = (): number => this.#failures;

  readonly ended = (): boolean => this.#over;

  async stop(): Promise<void> {
    this.#stopping = true;
    const running = this.#process;
    if (running === undefined) return this.#finish();
    const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()));
    running.kill('SIGTERM');
    await Promise.race([gone, sleep(STOP_PATIENCE_MS, undefined, { ref: false }).then(() => running.kill('SIGKILL'))]);
    await gone;
  }

  #begin(): void {
    const { prepare } = this.#spec;
    if (prepare === undefined) {
      this.#spawn();
      return;
    }
    prepare().then(
      () => this.#stopping || this.#spawn(),
      (error: unknown) => this.#notPrepared(error),
    );
  }

  #notPrepared(error: unknown): void {
    this.#keep(`not started: ${error instanceof Error ? error.message : String(error)}`);
    // No failure of the program's own.
    if (this.#stopping) this.#finish();
    else setTimeout(() => this.#stopping || this.#begin(), PREPARE_AGAIN_MS).unref();
  }

  #beginLater(): void {
    const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#failures++);
    setTimeout(() => this.#stopping || this.#begin(), backoffMs).unref();
  }

  #spawn(): void {
    const { command, args, env, fifo } = this.#spec;
    const output = fifo === undefined ? undefined : openFifo(fifo);
    const child = spawn(command, [...(typeof args === 'function' ? args() : args)], {
      cwd: ROOT,
      env: { ...process.env, NODE_COMPILE_CACHE: join(ROOT, '.cache/compile'), ...env },
      stdio: ['ignore', output ?? 'pipe', 'pipe'],
    });
    this.#process = child;
    this.#startedAtMs = performance.now();
    if (child.pid !== undefined) this.#tell('add', child.pid);
    child.on('error', (error) => this.#keep(`could not start: ${error.message}`));
    const stdout = output === undefined ? child.stdout : new Socket({ fd: output, writable: false });
    if (stdout) createInterface({ input: stdout }).on('line', (line) => this.#spec.onLine?.(line) === true || this.#keep(line));
    if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => this.#keep(line));
    child.on('exit', (code, signal) => {
      if (output !== undefined) stdout?.destroy();
      this.#exited(child, `ended with ${signal ?? `exit code ${code}`}`);
    });
  }

  #exited(child: ChildProcess, how: string): void {
    if (child.pid !== undefined) this.#tell('drop', child.pid);
    this.#keep(how);
    this.#process = undefined;
    if (this.#stopping || !this.#spec.restart) this.#finish();
    if (this.#stopping) return;
    if (performance.now() - this.#startedAtMs > GOOD_RUN_MS) this.#failures = 0;
    this.#spec.onEnd?.();
    if (this.#spec.restart) this.#beginLater();
  }

  #finish(): void {
    this.#over = true;
    this.#log.end();
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    if (this.#log.writable) this.#log.write(`${line}\n`);
  }
}
