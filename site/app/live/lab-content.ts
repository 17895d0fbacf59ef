/** Labs as the build left them: data, text and YAML. */
import type { Lab } from '#labs';

/** One lab with all that its page needs. */
export interface LabContent extends Lab {
  readonly text: {
    readonly intro: string;
    readonly steps: Readonly<Record<string, { readonly do: string; readonly why: string; readonly hints: readonly string[] }>>;
  };
  readonly files: Readonly<Record<string, string>>;
}

const read = async (name: string): Promise<unknown> => {
  const response = await fetch(`/content/${name}.json`);
  if (!response.ok) throw new Error('There is no such lab.');
  return response.json();
};

/** One lab. */
export const readLab = async (id: string): Promise<LabContent> => {
  if (!/^[\w-]+$/.test(id)) throw new Error('There is no such lab.');
  return (await read(id)) as LabContent;
};
