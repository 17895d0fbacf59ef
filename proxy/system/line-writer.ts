/** Lines into files and standard streams, gathered for up to 100 ms, written behind the event loop's back. */
import { open, openSync, write, writeSync } from 'node:fs';

const FLUSH_AFTER_MS = 100;
/** More than this waiting for a reader that does not read is dropped rather than kept in memory. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
const STREAMS: Readonly<Record<string, number>> = { '/dev/stdout': 1, '/dev/stderr': 2 };

/** One destination. Lines keep their order; a failing disk loses lines, never requests. */
class Sink {
  readonly #path: string;
  #fd: number | undefined;
  #waiting: string[] = [];
  #bytes = 0;
  #busy = false;
  #armed = false;

  constructor(path: string) {
    this.#path = path;
    this.#fd = STREAMS[path];
  }

  append(line: string): void {
    if (this.#bytes > MAX_WAITING_BYTES) return;
    this.#waiting.push(line);
    this.#bytes += line.length;
    if (this.#armed || this.#busy) return;
    this.#armed = true;
    setTimeout(() => this.#flush(), FLUSH_AFTER_MS).unref();
  }

  /** Writes all that waits, blocking; for the end of the process. */
  flushNow(): void {
    const text = this.#take();
    if (text === '') return;
    try {
      this.#fd ??= openSync(this.#path, 'a');
      writeAll(this.#fd, Buffer.from(text));
    } catch {
      // The process ends and its log cannot be written: nobody is left to tell.
    }
  }

  #take(): string {
    if (this.#waiting.length === 0) return '';
    const text = `${this.#waiting.join('\n')}\n`;
    this.#waiting = [];
    this.#bytes = 0;
    return text;
  }

  #flush(): void {
    this.#armed = false;
    if (this.#busy) return;
    if (this.#fd === undefined) {
      this.#open();
      return;
    }
    const text = this.#take();
    if (text !== '') this.#write(this.#fd, Buffer.from(text));
  }

  #open(): void {
    this.#busy = true;
    open(this.#path, 'a', (error, fd) => {
      this.#busy = false;
      if (error) this.#take();
      else {
        this.#fd = fd;
        this.#flush();
      }
    });
  }

  #write(fd: number, bytes: Buffer): void {
    this.#busy = true;
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error?.code === 'EAGAIN') return void setTimeout(() => this.#write(fd, bytes), 10).unref();
      if (!error && written < bytes.length) return this.#write(fd, bytes.subarray(written));
      this.#busy = false;
      if (!error) this.#flush();
    });
  }
}

const writeAll = (fd: number, bytes: Buffer): void => {
  for (let tries = 0, at = 0; at < bytes.length && tries < 1000; tries++) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
};

/** All destinations of one process. */
export class LineWriter {
  readonly #sinks = new Map<string, Sink>();

  append(path: string, line: string): void {
    let sink = this.#sinks.get(path);
    if (!sink) {
      sink = new Sink(path);
      this.#sinks.set(path, sink);
    }
    sink.append(line);
  }

  /** Blocking; for the end of the process. */
  flushNow(): void {
    for (const sink of this.#sinks.values()) sink.flushNow();
  }
}
