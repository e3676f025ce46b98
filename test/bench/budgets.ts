/** What each figure should be: the budget it must keep and the aim behind it. Lower is better unless said. */

export type Budget = { budget: number; aim: number; isMore?: true }

/** By `scenario/figure`; what stands here is promised, what does not is information. */
export const BUDGETS: Readonly<Record<string, Budget>> = {
  'relay-latency/200 per s, p50': { budget: 2.2, aim: 1.5 },
  'relay-latency/200 per s, p99': { budget: 8, aim: 4.5 },
  'relay-latency/1000 per s, p50': { budget: 4, aim: 2.5 },
  'relay-latency/1000 per s, p99': { budget: 40, aim: 15 },
  'relay-throughput/1 to 1': { budget: 3000, aim: 6000, isMore: true },
  'relay-throughput/50 to 50': { budget: 3000, aim: 6000, isMore: true },
  'fan-out/1000 streams, p50': { budget: 35, aim: 22 },
  'fan-out/1000 streams, p99': { budget: 49, aim: 35 },
  'fan-out/deliveries': { budget: 35_000, aim: 50_000, isMore: true },
  'fan-out/two branches 100 + 100, p50': { budget: 12, aim: 7 },
  'fan-out/two branches 100 + 100, p99': { budget: 17, aim: 11 },
  'memory/per idle stream, plain': { budget: 45, aim: 34 },
  'memory/idle server': { budget: 130, aim: 105 },
  'cold-start/first page': { budget: 500, aim: 250 },
  'recovery/lost': { budget: 0, aim: 0 },
  'recovery/doubled': { budget: 0, aim: 0 },
  'recovery/silent': { budget: 0, aim: 0 },
  'recovery/ready to first message': { budget: 1000, aim: 200 },
  'login-storm/messages meanwhile, p99': { budget: 30, aim: 10 },
  'bulk-import/5,000 people': { budget: 10, aim: 5 },
  'storage/of raw batched inserts': { budget: 0.5, aim: 0.8, isMore: true },
  'pages/conversation, p50': { budget: 5, aim: 2 },
  'pages/conversation, p99': { budget: 15, aim: 6 },
  'growth/page': { budget: 1.5, aim: 1.1 },
  'growth/send': { budget: 1.5, aim: 1.1 },
  'bytes/first visit': { budget: 90, aim: 50 },
  'bytes/pushed per message and viewer': { budget: 900, aim: 400 },
  'presence/a line at rest': { budget: 20, aim: 5 },
  'presence/a line in the morning': { budget: 20, aim: 5 },
  'presence/a line after both ends started': { budget: 20, aim: 20 },
  'presence/a sweep with 100,000 people online, p99': { budget: 5, aim: 2 },
  'bytes/link at rest': { budget: 300, aim: 60 },
}
