// Scenarios of kafkajs for kafkajs_test.py: node kafkajs_driver.js ADDRESS SCENARIO TOPIC, one line of JSON as the answer. Bytes are base64.
'use strict'

const { Kafka, CompressionTypes, CompressionCodecs, AssignerProtocol, ConfigResourceTypes, logLevel } = require('kafkajs')
const lz4 = require('lz4-napi')
const { ZstdCodec } = require('zstd-codec')

const DEADLINE_MS = 60000
const [address, scenario, topic] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'kafkajs-test', brokers: [address], logLevel: logLevel.NOTHING })

const zstd = new Promise(resolve => ZstdCodec.run(api => resolve(new api.Simple())))
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: encoder => lz4.compressFrame(encoder.buffer),
  decompress: buffer => lz4.decompressFrame(buffer),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => Buffer.from((await zstd).compress(encoder.buffer)),
  decompress: async buffer => Buffer.from((await zstd).decompress(buffer)),
})

const text = bytes => (bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('base64'))
const pause = ms => new Promise(resolve => setTimeout(resolve, ms))

async function until(condition, what) {
  const deadline = Date.now() + DEADLINE_MS
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what()} within ${DEADLINE_MS} ms`)
    await pause(20)
  }
}

async function withClient(client, body) {
  await client.connect()
  try {
    return await body(client)
  } finally {
    await client.disconnect()
  }
}

const withAdmin = body => withClient(kafka.admin(), body)
const create = (name, numPartitions, configEntries = []) =>
  withAdmin(admin => admin.createTopics({ topics: [{ topic: name, numPartitions, replicationFactor: 1, configEntries }] }))

// All records from the start until `enough(records)`.
async function read(name, enough, options = {}) {
  const out = []
  await withClient(kafka.consumer({ groupId: `read-${name}-${Date.now()}`, maxWaitTimeInMs: 50, ...options }), async consumer => {
    await consumer.subscribe({ topics: [name], fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const headers = Object.entries(message.headers).map(([key, value]) => [key, [].concat(value).map(text)])
        out.push({ partition, offset: message.offset, key: text(message.key), value: text(message.value), headers, timestamp: message.timestamp })
      },
    })
    await until(() => enough(out), () => `${out.length} records of ${name} are not all`)
  })
  return out
}

async function codecs() {
  const out = {}
  const odd = [
    { key: 'k', value: 'v', headers: { h: ['1', '2'], empty: '' }, timestamp: '1600000000000', partition: 0 },
    { key: null, value: '', headers: {}, timestamp: '1600000000001', partition: 0 },
    { key: '', value: null, headers: { 'é': Buffer.from([0, 255]) }, timestamp: '1600000000002', partition: 0 },
    { key: Buffer.from([0, 255]), value: 'x'.repeat(100000), headers: {}, timestamp: '1', partition: 0 },
  ]
  const many = [...Array(300).keys()].map(n => ({ key: `${n}`, value: `value ${n} `.repeat(5), headers: {}, timestamp: `${1600000001000 + n}`, partition: 0 }))
  const messages = odd.concat(many)
  for (const [codec, compression] of Object.entries(CompressionTypes)) {
    for (const idempotent of [false, true]) {
      const name = `${topic}-${codec}-${idempotent}`.toLowerCase()
      await create(name, 1)
      await withClient(kafka.producer({ idempotent }), producer => producer.send({ topic: name, messages, compression, acks: -1 }))
      out[name] = await read(name, records => records.length >= messages.length)
    }
  }
  const sent = messages.map((m, n) => ({
    partition: 0,
    offset: `${n}`,
    key: text(m.key),
    value: text(m.value),
    headers: Object.entries(m.headers).map(([key, value]) => [key, [].concat(value).map(text)]),
    timestamp: m.timestamp,
  }))
  return { sent, read: out }
}

class Member {
  constructor(groupId) {
    this.mine = []
    this.seen = []
    this.consumer = kafka.consumer({ groupId, sessionTimeout: 10000, heartbeatInterval: 300, maxWaitTimeInMs: 50, rebalanceTimeout: 10000 })
    this.consumer.on(this.consumer.events.GROUP_JOIN, event => {
      this.mine = (event.payload.memberAssignment[topic] || []).slice().sort()
    })
  }

  async start() {
    await this.consumer.connect()
    await this.consumer.subscribe({ topics: [topic], fromBeginning: true })
    await this.consumer.run({
      eachMessage: async ({ partition, message }) => {
        this.seen.push([partition, message.offset, text(message.value)])
      },
    })
    return this
  }
}

async function fill(start, count) {
  const values = [...Array(count).keys()].map(n => `${start + n}`)
  await withClient(kafka.producer(), producer => producer.send({ topic, messages: values.map(value => ({ key: value, value })) }))
}

// The story of rebalance_story.py: a second member comes, the first one leaves.
async function rebalance() {
  await create(topic, 6)
  await fill(0, 300)
  const members = [new Member(`g-${topic}`), new Member(`g-${topic}`)]
  const [first, second] = members
  const seen = () => first.seen.length + second.seen.length
  const state = () => JSON.stringify(members.map(m => [m.mine, m.seen.length]))
  await first.start()
  await until(() => first.mine.length === 6 && seen() === 300, () => `the first member takes all, ${state()}`)
  await second.start()
  await until(() => first.mine.length === 3 && second.mine.length === 3, () => `two members share, ${state()}`)
  await fill(300, 300)
  await until(() => seen() >= 600, () => `300 more are read, ${state()}`)
  const shared = members.map(m => m.mine)
  await first.consumer.disconnect()
  await until(() => second.mine.length === 6, () => `the second takes all, ${state()}`)
  await fill(600, 300)
  await until(() => seen() >= 900, () => `the last 300 are read, ${state()}`)
  await second.consumer.disconnect()
  const offsets = await withAdmin(admin => admin.fetchOffsets({ groupId: `g-${topic}`, topics: [topic] }))
  const ends = await withAdmin(admin => admin.fetchTopicOffsets(topic))
  return {
    shared,
    values: first.seen.concat(second.seen).map(([, , value]) => Number(Buffer.from(value, 'base64').toString())),
    places: first.seen.concat(second.seen).map(([partition, offset]) => `${partition}:${offset}`),
    committed: Object.fromEntries(offsets[0].partitions.map(p => [p.partition, p.offset])),
    ends: Object.fromEntries(ends.map(p => [p.partition, p.high])),
  }
}

async function transactions() {
  await create(topic, 2)
  const groupId = `g-${topic}`
  const producer = kafka.producer({ transactionalId: `t-${topic}`, idempotent: true, maxInFlightRequests: 1 })
  await withClient(producer, async () => {
    for (const [number, end, offset] of [[0, 'commit', '7'], [1, 'abort', '9'], [2, 'commit', '11']]) {
      const transaction = await producer.transaction()
      const messages = [...Array(10).keys()].map(n => ({ value: `${number}-${n}`, partition: n % 2 }))
      await transaction.send({ topic, messages })
      await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic, partitions: [{ partition: 0, offset }] }] })
      await transaction[end]()
    }
  })
  const committed = await read(topic, records => records.length >= 20, { readUncommitted: false })
  const all = await read(topic, records => records.length >= 30, { readUncommitted: true })
  const offsets = async () => (await withAdmin(admin => admin.fetchOffsets({ groupId, topics: [topic] })))[0].partitions
  await until(async () => (await offsets()).some(p => p.offset === '11'), () => 'the offset of the last transaction')
  const values = records => records.map(r => Buffer.from(r.value, 'base64').toString()).sort()
  return { committed: values(committed), all: values(all), offsets: await offsets() }
}

async function fencing() {
  await create(topic, 1)
  const settings = { transactionalId: `t-${topic}`, idempotent: true, maxInFlightRequests: 1, retry: { retries: 2 } }
  const [one, two] = [kafka.producer(settings), kafka.producer(settings)]
  await one.connect()
  const open = await one.transaction()
  await open.send({ topic, messages: [{ value: 'of the first' }] })
  let error = null
  await withClient(two, async () => {
    const transaction = await two.transaction()
    await transaction.send({ topic, messages: [{ value: 'of the second' }] })
    await transaction.commit()
    try {
      await open.send({ topic, messages: [{ value: 'too late' }] })
      await open.commit()
    } catch (refused) {
      error = refused.type || refused.name
    }
  })
  await one.disconnect()
  const records = await read(topic, out => out.length >= 1, { readUncommitted: false })
  return { error, values: records.map(r => Buffer.from(r.value, 'base64').toString()) }
}

async function admin() {
  return withAdmin(async client => {
    const made = await client.createTopics({
      topics: [{ topic, numPartitions: 2, replicationFactor: 1, configEntries: [{ name: 'retention.ms', value: '1000000' }] }],
    })
    const again = await client.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 1 }] })
    await client.createPartitions({ topicPartitions: [{ topic, count: 4 }] })
    await until(async () => (await client.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length === 4, () => 'four partitions')
    await client.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: 'segment.bytes', value: '2097152' }] }],
    })
    const described = await client.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['segment.bytes', 'retention.ms'] }],
    })
    const configs = Object.fromEntries(described.resources[0].configEntries.map(e => [e.configName, [e.configValue, e.isDefault]]))
    const messages = [...Array(10).keys()].map(n => ({ value: `${n}`, partition: 0, timestamp: `${1000 * (n + 1)}` }))
    await withClient(kafka.producer(), producer => producer.send({ topic, messages }))
    const byTime = await client.fetchTopicOffsetsByTimestamp(topic, 3500)
    await client.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
    const bounds = (await client.fetchTopicOffsets(topic)).find(p => p.partition === 0)
    const groupId = `g-${topic}`
    await client.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '6' }] })
    const [{ partitions }] = await client.fetchOffsets({ groupId, topics: [topic] })
    const listed = (await client.listGroups()).groups.map(g => g.groupId)
    const [group] = (await client.describeGroups([groupId])).groups
    await client.deleteGroups([groupId])
    const left = (await client.listGroups()).groups.map(g => g.groupId)
    const cluster = await client.describeCluster()
    await client.deleteTopics({ topics: [topic] })
    await until(async () => !(await client.listTopics()).includes(topic), () => 'the topic is gone')
    return {
      made,
      again,
      configs,
      byTime: byTime.find(p => p.partition === 0).offset,
      low: bounds.low,
      high: bounds.high,
      offset: partitions.find(p => p.partition === 0).offset,
      listed: listed.includes(groupId),
      state: group.state,
      deleted: !left.includes(groupId),
      brokers: cluster.brokers.length,
      controller: cluster.controller,
      named: Boolean(cluster.clusterId),
    }
  })
}

const scenarios = { codecs, rebalance, transactions, fencing, admin }
scenarios[scenario]().then(
  answer => {
    process.stdout.write(JSON.stringify(answer) + '\n', () => process.exit(0))
  },
  error => {
    process.stderr.write(`${error.stack}\n`, () => process.exit(1))
  }
)
