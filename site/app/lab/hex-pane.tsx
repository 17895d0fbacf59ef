/** Bytes as a person reads them: offset, hex and text, with what means something marked. */
import { bytesOf, type HexRow, hexRows, type Mark, marksOf, printableShare } from '#labs';
import { ScrollRegion } from '../components/scroll-region.tsx';
import type { WireBytes } from '../live/types.ts';
import { percent } from '../live/words.ts';

/** Two panes stand side by side. */
const IN_ROW = 8;

const KINDS: Readonly<Record<Mark['kind'], string>> = {
  request: 'the request line',
  record: 'header of a TLS record: kind, version, length',
  name: 'the name that the client asks for',
  identity: 'who calls',
  note: 'note of the capture: where the program wanted to go',
};

/** Neighbours with the same mark are one piece: a page of single bytes would be slow to draw and dreadful to hear. */
const piecesOf = (row: HexRow): readonly (readonly HexRow['bytes'][number][])[] => {
  const pieces: HexRow['bytes'][number][][] = [];
  for (const byte of row.bytes) {
    const last = pieces.at(-1);
    if (last?.[0]?.mark === byte.mark) last.push(byte);
    else pieces.push([byte]);
  }
  return pieces;
};

const Row = ({ row }: { row: HexRow }) => {
  const pieces = piecesOf(row);
  return (
    <div class="hex-row">
      <span class="hex-offset">{row.offset}</span>
      <span class="hex-bytes">
        {pieces.map((piece, i) => (
          <span key={i} class={`hex-part ${piece[0]?.mark ?? ''}`}>
            {piece.map(({ hex }) => hex).join(' ')}
          </span>
        ))}
      </span>
      <span class="hex-text">
        {pieces.map((piece, i) => (
          <span key={i} class={`hex-part ${piece[0]?.mark ?? ''}`}>
            {piece.map(({ char }) => char).join('')}
          </span>
        ))}
      </span>
    </div>
  );
};

const Legend = ({ marks }: { marks: readonly Mark[] }) => (
  <ul class="hex-legend small">
    {[...new Set(marks.map(({ kind }) => kind))].map((kind) => (
      <li key={kind}>
        <span class={`hex-part ${kind}`} aria-hidden="true">
          ab
        </span>{' '}
        {KINDS[kind]}
      </li>
    ))}
  </ul>
);

/** The same for who does not look: what was found, in words. */
const Twin = ({ bytes, marks }: { bytes: Uint8Array; marks: readonly Mark[] }) => {
  const text = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  return (
    <p class="small muted">
      {percent(printableShare(bytes))} of the bytes can be printed.{' '}
      {marks.some(({ kind }) => kind === 'record')
        ? `${marks.filter(({ kind }) => kind === 'record').length} TLS records; readable words: ${marks.find(({ kind }) => kind === 'name')?.words ?? 'none'}.`
        : marks
            .filter(({ kind }) => kind !== 'note')
            .map(({ from, to }) => text(from, to))
            .join(' · ')}
    </p>
  );
};

/** title: whose bytes. */
export const HexPane = ({ title, wire }: { title: string; wire: WireBytes }) => {
  const bytes = bytesOf(wire);
  const marks = marksOf(bytes);
  return (
    <section class="hex-pane" aria-label={title}>
      <h3>{title}</h3>
      <p class="small muted number">
        {wire.total.toLocaleString('en')} bytes{bytes.length < wire.total ? `, the first ${bytes.length.toLocaleString('en')} shown` : ''}
      </p>
      <ScrollRegion class="hex" label={`Bytes: ${title}`}>
        {hexRows(bytes, marks, IN_ROW).map((row) => (
          <Row key={row.offset} row={row} />
        ))}
      </ScrollRegion>
      <Legend marks={marks} />
      <Twin bytes={bytes} marks={marks} />
    </section>
  );
};
