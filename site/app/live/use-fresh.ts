/** Reading something again and again while it is on screen. */
import { useEffect, useState } from 'preact/hooks';
import { get, wordsOf } from './api.ts';

/** What was read last, and why the last reading failed; a failure keeps what was there. A new path starts from nothing. */
export const useFresh = <T>(path: string, everyMs: number): { readonly value: T | undefined; readonly error: string } => {
  const [read, setRead] = useState<{ readonly path: string; readonly value: T | undefined; readonly error: string }>({
    path,
    value: undefined,
    error: '',
  });
  useEffect(() => {
    let alive = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = async () => {
      try {
        const value = await get<T>(path);
        if (alive) setRead({ path, value, error: '' });
      } catch (problem) {
        if (alive) setRead((before) => ({ path, value: before.path === path ? before.value : undefined, error: wordsOf(problem) }));
      }
      if (alive) timer = setTimeout(again, everyMs);
    };
    again();
    return () => {
      alive = false;
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  return read.path === path ? read : { value: undefined, error: '' };
};
