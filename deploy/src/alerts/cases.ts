/** One try of one alert, in the terms of `promtool test rules`. */
export interface AlertCase {
  title: string;
  alert: string;
  /** Values by series, one a minute: `5x30` is 5 thirty-one times, `0+2x30` counts up by 2. */
  series: Readonly<Record<string, string>>;
  /** When it is looked at. */
  at: string;
  /** How many alerts of that name fire then. */
  firing: number;
}

/** A series that makes an alert fire, and one like it that does not. */
function bothWays(
  alert: string,
  what: {
    fires: [string, Record<string, string>];
    quiet: [string, Record<string, string>];
    at?: string;
    firing?: number;
  },
): AlertCase[] {
  const { at = '20m', firing = 1 } = what;
  return [
    { title: `${alert} fires: ${what.fires[0]}`, alert, series: what.fires[1], at, firing },
    { title: `${alert} is quiet: ${what.quiet[0]}`, alert, series: what.quiet[1], at, firing: 0 },
  ];
}

const age = (queue: string) => `queue_service_queue_oldest_waiting_age_seconds{queue="${queue}"}`;
const paused = (queue: string) => `queue_service_queue_paused{queue="${queue}"}`;
const depth = (queue: string, state: string) => `queue_service_queue_depth{queue="${queue}",state="${state}"}`;
const effects = (provider: string, outcome: string) =>
  `queue_service_effects_total{provider="${provider}",outcome="${outcome}"}`;
const blocks = 'queue_service_event_loop_blocked_seconds_count{queue="money"}';
const attempts = (queue: string, type: string) => `queue_service_job_attempts_total{queue="${queue}",type="${type}"}`;
const dead = (code: string) => `queue_service_dead_letters_total{queue="money",type="payment-process",code="${code}"}`;
const failures = 'queue_service_job_failures_total{queue="communication",type="send-email",code="provider_error"}';
const requests = (status: string) =>
  `queue_service_http_request_duration_seconds_count{method="POST",route="/jobs",status="${status}"}`;
const bucket = (le: string) =>
  `queue_service_provider_request_seconds_bucket{provider="stripe",operation="create",le="${le}"}`;
const enqueueErrors = 'queue_service_job_enqueue_errors_total{queue="money",type="nft-mint",code="unavailable"}';
const alerts = (outcome: string) => `queue_service_alerts_total{channel="slack",outcome="${outcome}"}`;
const lost = 'queue_service_job_leases_lost_total{queue="money",type="nft-mint"}';

export const alertCases: readonly AlertCase[] = [
  ...bothWays('QueueServiceMoneyWaits', {
    fires: ['two minutes above a minute', { [age('money')]: '90x30', [paused('money')]: '0x30' }],
    quiet: [
      'the queue is paused, which has an alert of its own',
      { [age('money')]: '90x30', [paused('money')]: '1x30' },
    ],
  }),
  {
    title: 'QueueServiceMoneyWaits is quiet: a short peak',
    alert: 'QueueServiceMoneyWaits',
    series: { [age('money')]: '0x17 90 90 0' },
    at: '20m',
    firing: 0,
  },
  {
    title: 'QueueServiceMoneyWaits fires once while two schedulers show the gauge',
    alert: 'QueueServiceMoneyWaits',
    series: {
      'queue_service_queue_oldest_waiting_age_seconds{queue="money",pod="a"}': '90x30',
      'queue_service_queue_oldest_waiting_age_seconds{queue="money",pod="b"}': '80x30',
    },
    at: '20m',
    firing: 1,
  },
  ...bothWays('QueueServiceRelayLags', {
    fires: ['Redis does not take them', { 'queue_service_relay_lag_seconds{queue="money"}': '0+60x30' }],
    quiet: ['they are relayed', { 'queue_service_relay_lag_seconds{queue="money"}': '5x30' }],
  }),
  ...bothWays('QueueServiceOutcomeUnknown', {
    fires: ['Stripe does not answer', { [effects('stripe', 'unknown')]: '0+1x40' }],
    quiet: ['an unanswered mail moves no money', { [effects('sendgrid', 'unknown')]: '0+1x40' }],
  }),
  ...bothWays('QueueServiceMoneyDies', {
    fires: [
      'a third of the attempts',
      { [dead('authentication_failed')]: '0+1x40', [attempts('money', 'payment-process')]: '0+3x40' },
    ],
    quiet: [
      'some cards are always declined',
      { [dead('card_declined')]: '0+1x40', [attempts('money', 'payment-process')]: '0+50x40' },
    ],
    at: '30m',
  }),
  ...bothWays('QueueServiceMoneyStalls', {
    fires: ['a worker was killed', { 'queue_service_jobs_stalled_total{queue="money"}': '0x10 2x20' }],
    quiet: ['it was long ago', { 'queue_service_jobs_stalled_total{queue="money"}': '0 2x40' }],
  }),
  ...bothWays('QueueServiceJobsWait', {
    fires: ['mail and reports', { [age('communication')]: '400x30', [age('background')]: '4000x30' }],
    quiet: [
      'what is slow for mail is not for reports',
      { [age('communication')]: '200x30', [age('background')]: '400x30' },
    ],
    firing: 2,
  }),
  ...bothWays('QueueServiceNobodyWorks', {
    fires: [
      'jobs wait and none is started',
      { [depth('money', 'waiting')]: '3x40', [attempts('money', 'nft-mint')]: '7x40', [paused('money')]: '0x40' },
    ],
    quiet: [
      'a backlog that is worked on',
      { [depth('money', 'waiting')]: '3x40', [attempts('money', 'nft-mint')]: '7+1x40', [paused('money')]: '0x40' },
    ],
    at: '30m',
  }),
  {
    title: 'QueueServiceNobodyWorks fires: there never was a worker',
    alert: 'QueueServiceNobodyWorks',
    series: { [depth('background', 'waiting')]: '1x40' },
    at: '30m',
    firing: 1,
  },
  {
    title: 'QueueServiceNobodyWorks is quiet: delayed jobs need nobody yet',
    alert: 'QueueServiceNobodyWorks',
    series: { [depth('background', 'delayed')]: '9x40', [depth('background', 'waiting')]: '0x40' },
    at: '30m',
    firing: 0,
  },
  ...bothWays('QueueServicePausedLong', {
    fires: ['forgotten', { [paused('money')]: '1x60' }],
    quiet: ['resumed in time', { [paused('money')]: '1x20 0x40' }],
    at: '40m',
  }),
  ...bothWays('QueueServiceAttemptsFail', {
    fires: ['half of them', { [failures]: '0+5x60', [attempts('communication', 'send-email')]: '0+10x60' }],
    quiet: ['one in ten', { [failures]: '0+1x60', [attempts('communication', 'send-email')]: '0+10x60' }],
    at: '40m',
  }),
  ...bothWays('QueueServiceLeasesLost', {
    fires: ['again and again', { [lost]: '0+1x40' }],
    quiet: ['once', { [lost]: '0x10 1x30' }],
  }),
  ...bothWays('QueueServiceCircuitOpen', {
    fires: ['stays open', { 'queue_service_circuit_state{provider="twilio"}': '2x30' }],
    quiet: ['tries again', { 'queue_service_circuit_state{provider="twilio"}': '1x30' }],
  }),
  ...bothWays('QueueServiceProviderFails', {
    fires: [
      'a third has no answer',
      { [effects('stripe', 'unknown')]: '0+5x40', [effects('stripe', 'confirmed')]: '0+10x40' },
    ],
    quiet: [
      'refusals are answers',
      { [effects('stripe', 'rejected')]: '0+5x40', [effects('stripe', 'confirmed')]: '0+10x40' },
    ],
  }),
  ...bothWays('QueueServiceProviderSlow', {
    fires: [
      'half above ten seconds',
      { [bucket('10')]: '0+5x40', [bucket('20')]: '0+10x40', [bucket('+Inf')]: '0+10x40' },
    ],
    quiet: ['all below', { [bucket('10')]: '0+10x40', [bucket('20')]: '0+10x40', [bucket('+Inf')]: '0+10x40' }],
    at: '30m',
  }),
  ...bothWays('QueueServiceNotMeasured', {
    fires: ['no scheduler', { [depth('background', 'waiting')]: '0x30' }],
    quiet: ['measured', { [depth('money', 'waiting')]: '0x30' }],
  }),
  ...bothWays('QueueServiceNoLeader', {
    fires: [
      'two lead',
      {
        'queue_service_leader{role="scheduler",pod="a"}': '1x30',
        'queue_service_leader{role="scheduler",pod="b"}': '1x30',
      },
    ],
    quiet: [
      'one of two leads',
      {
        'queue_service_leader{role="scheduler",pod="a"}': '1x30',
        'queue_service_leader{role="scheduler",pod="b"}': '0x30',
      },
    ],
  }),
  ...bothWays('QueueServiceNotAccepted', {
    fires: ['the database is away', { [enqueueErrors]: '0+3x30' }],
    quiet: ['it was away for a moment', { [enqueueErrors]: '0x10 3x30' }],
  }),
  ...bothWays('QueueServiceApiFails', {
    fires: ['one in five', { [requests('202')]: '0+80x30', [requests('500')]: '0+20x30' }],
    quiet: ['clients’ mistakes are theirs', { [requests('202')]: '0+80x30', [requests('422')]: '0+20x30' }],
  }),
  ...bothWays('QueueServiceSchedulesMissed', {
    fires: ['nobody was there', { 'queue_service_schedule_missed_total{outcome="left_out"}': '0x10 2x20' }],
    quiet: ['all fired', { 'queue_service_schedule_missed_total{outcome="left_out"}': '0x30' }],
  }),
  ...bothWays('QueueServiceAlertsNotTold', {
    fires: ['Slack is away', { [alerts('failed')]: '0+1x40', [alerts('told')]: '5x40' }],
    quiet: ['it took some', { [alerts('failed')]: '0+1x40', [alerts('told')]: '0+1x40' }],
    at: '30m',
  }),
  ...bothWays('QueueServiceHandlerBlocks', {
    fires: ['a first block', { [blocks]: '_x40 1x20' }],
    quiet: ['one of yesterday', { [blocks]: '1x60' }],
    at: '50m',
  }),
  ...bothWays('QueueServiceHandlerBlocks', {
    fires: ['another block', { [blocks]: '1x40 2x20' }],
    quiet: ['nobody', {}],
    at: '50m',
  }),
  ...bothWays('QueueServiceEventLoopLags', {
    fires: ['a process of ours', { 'nodejs_eventloop_lag_p99_seconds{app="worker-money"}': '0.8x30' }],
    quiet: ['somebody else’s', { 'nodejs_eventloop_lag_p99_seconds{app="shop"}': '0.8x30' }],
  }),
];
