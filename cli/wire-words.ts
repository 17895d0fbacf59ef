/** What steps about the wire show, as text for a terminal. */
import { bytesOf, filmOf, type HexRow, hexRows, type LabStep, marksOf, type ShownCertificate, type WireBytes, type WireStory } from '#labs';
import type { SentAnswer } from './lab-site.ts';
import { table } from './output.ts';

/** Rows of one dump that fit a screen; the rest is counted. */
const MOST_ROWS = 40;

const rowWords = ({ offset, bytes }: HexRow): string =>
  `${offset}  ${bytes
    .map(({ hex }) => hex)
    .join(' ')
    .padEnd(47)}  ${bytes.map(({ char }) => char).join('')}`;

const dump = (title: string, wire: WireBytes): string => {
  const bytes = bytesOf(wire);
  const marks = marksOf(bytes);
  const rows = hexRows(bytes, marks);
  const more = rows.length > MOST_ROWS ? [`… ${bytes.length - MOST_ROWS * 16} more bytes`] : [];
  const found = marks.map(
    ({ from, kind, words }) => `  at ${from.toString(16).padStart(4, '0')}: ${kind === 'record' ? 'TLS record, ' : ''}${words}`,
  );
  return [`${title} (${wire.total} bytes)`, ...rows.slice(0, MOST_ROWS).map(rowWords), ...more, ...found].join('\n');
};

const certificateWords = (certificates: readonly ShownCertificate[]): string =>
  table(
    ['WORKLOAD', 'IDENTITY', 'SERIAL', 'VALID FROM', 'UNTIL'],
    certificates.map(({ workload, spiffeId, serial, validFrom, expiresAt }) => [workload, spiffeId, serial, validFrom, expiresAt]),
  );

/** One request before and after its encryption, and who is at the ends. */
export const storyWords = ({ stage }: LabStep, story: WireStory): string => {
  const { capture } = story;
  const shows = stage.kind === 'wire' ? stage.shows : 'between';
  const bytes =
    capture === undefined
      ? [story.missing]
      : [
          dump(`From the program of ${capture.caller} to its proxy`, capture.asked),
          '',
          shows === 'between'
            ? dump('The same request, between the two proxies', capture.sent)
            : dump(`From its proxy to the program of ${capture.callee}`, capture.delivered),
          ...(shows === 'between' ? filmOf(capture).map(({ from, title, words }) => `\n${from}: ${title}\n  ${words}`) : []),
        ];
  return [
    ...bytes,
    '',
    `Who called, as the callee's proxy says:    ${story.callerProved || 'nobody that it knows'}`,
    `Who answered, as the caller's proxy says:  ${story.calleeProved || 'nobody that it knows'}`,
    `Connection:                                ${story.tls === '' ? 'plain text' : `${story.tls}, mutual`}, from ${story.calledFrom}`,
    '',
    certificateWords(story.certificates),
  ].join('\n');
};

/** How one call from outside the mesh fared, from both ends. */
export const outsiderWords = ({ status, error, body, servedBy, flags, seenAs }: SentAnswer): string =>
  [
    `What the client got:              ${status === 0 ? `no status, no body: ${error || 'the connection ended'}` : `${status} ${(body ?? '').slice(0, 80)}`}`,
    `What the workload's proxy noted:  ${seenAs?.refused || (servedBy === '' ? 'nothing' : `served by ${servedBy}`)}`,
    `Flag:                             ${flags || '-'}`,
    `Who called, as far as proved:     ${seenAs?.peer || 'nobody: there was no certificate'}`,
  ].join('\n');
