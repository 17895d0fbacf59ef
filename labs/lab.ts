/** What a lab is: a few steps, each do → predict → observe → why → check. Only data, so that site, command line and tests read the same. */

/** Requests that a step sends. */
export interface LabSend {
  /** A workload, whose sidecar takes the request, `gateway`, or `outside`: plain text, straight to the workload that the URL names. */
  readonly from: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly count: number;
  /** GET when absent. */
  readonly method?: string;
  /** The built-in load rests meanwhile. */
  readonly alone?: true;
  /** What happens to the mesh while they are sent, 20 a second, at even distances. */
  readonly meanwhile?: readonly LabEvent[];
}

/** The mesh's time is put forward, or its root is changed by one step. */
export type LabEvent =
  | { readonly kind: 'skip'; readonly hours: number }
  | { readonly kind: 'rotate'; readonly step: 'begin' | 'switch' | 'finish' };

/** A question answered before the button unlocks. */
export type Prediction =
  | {
      readonly kind: 'choice';
      readonly question: string;
      readonly options: readonly string[];
      /** Index of the option that is true of every mesh. */
      readonly answer: number;
    }
  | {
      readonly kind: 'count';
      readonly question: string;
      readonly max: number;
      /** Workload whose answers are counted in what was just sent; where tries are drawn, the service whose tries are. */
      readonly counted: string;
    };

/** What the stage makes of the answers: the way of each request, its bytes, how an outsider fared, who answered how often, or that beside what chance gives. */
export type LabStage =
  | { readonly kind: 'hops' }
  | { readonly kind: 'versions' }
  | {
      readonly kind: 'wire';
      /** Which bytes are looked at beside those of the caller's program: between the sidecars, or what the callee's program reads. */
      readonly shows: 'between' | 'delivered';
    }
  | {
      readonly kind: 'outsider';
      /** A refusal is an observation too, where the step is about it. */
      readonly expects: 'answer' | 'refusal';
    }
  /** Which policies were asked about the last request, and what each said; refusals count as answers. */
  | { readonly kind: 'verdict' }
  /** Every workload's certificates on a line of time, and who certifies. */
  | { readonly kind: 'certificates' }
  /** Every try of every call that the requests caused, and by how much each layer multiplied them. */
  | { readonly kind: 'tries' }
  /** Balancing algorithms on one tape of arrivals, or what a host that leaves does to those that hash. */
  | { readonly kind: 'race'; readonly shows: 'race' | 'leaving' }
  | {
      /** Hosts of a service as one caller's proxy sees them: strikes, who is out, and for how long. */
      readonly kind: 'ejections';
      readonly from: string;
      readonly service: string;
    }
  | {
      /** Requests stay open until the learner lets them go: who has a place, who waits, who was refused. */
      readonly kind: 'held';
      /** Held before the step's own requests, from another caller. */
      readonly before?: LabSend;
      /** So many of those held are let go once all have found their place; 0 when absent. */
      readonly release?: number;
    }
  | {
      readonly kind: 'chance';
      /** Workload whose answers are drawn. */
      readonly of: string;
      /** Its chance for each request, 0…1. */
      readonly share: number;
      /** Workloads that may answer while the rule is in force. */
      readonly among: readonly string[];
    };

/** One step. Its text is the section of the same id in lab.md. */
export interface LabStep {
  readonly id: string;
  readonly title: string;
  /** File in the lab's folder that the learner applies first. */
  readonly apply?: string;
  readonly predict: Prediction;
  readonly send: LabSend;
  readonly stage: LabStage;
  /** Conformance cases that prove the step on the learner's own mesh. */
  readonly claims: readonly string[];
}

/** One lab. */
export interface Lab {
  /** Its folder. */
  readonly id: string;
  readonly number: number;
  readonly title: string;
  /** What the learner can say afterwards. */
  readonly proves: string;
  readonly minutes: number;
  /** What to try on one's own when all steps are done. */
  readonly afterwards: string;
  readonly steps: readonly LabStep[];
}
