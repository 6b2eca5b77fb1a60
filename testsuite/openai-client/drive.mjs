// Drives a server with OpenAI's own client. Arguments: the base URL, the model's name.
// The model says "Hello, world!", or calls get_weather if it is told of a tool.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: 'secret', maxRetries: 0, timeout: 60_000 });
const hello = { model, temperature: 0, messages: [{ role: 'user', content: 'Hello' }] };
const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Tells the weather.',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];

const checks = {
  async 'models are listed'() {
    const ids = [];
    for await (const one of client.models.list()) ids.push(one.id);
    assert.deepEqual(ids, [model]);
    assert.equal((await client.models.retrieve(model)).id, model);
  },

  async 'a chat is answered'() {
    const answer = await client.chat.completions.create(hello);
    assert.equal(answer.choices[0].message.content, 'Hello, world!');
    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.equal(answer.usage.completion_tokens, 5);
  },

  async 'a chat is streamed'() {
    const stream = await client.chat.completions.create({
      ...hello,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let finish;
    let usage;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, 'Hello, world!');
    assert.equal(finish, 'stop');
    assert.equal(usage.completion_tokens, 5);
  },

  async 'stop strings stop'() {
    const answer = await client.chat.completions.create({ ...hello, stop: ['zzz', 'o, w'] });
    assert.equal(answer.choices[0].message.content, 'Hell');
    assert.equal(answer.choices[0].finish_reason, 'stop');
  },

  async 'texts are completed, n at once, with log-probabilities'() {
    const answer = await client.completions.create({
      model,
      prompt: 'Hello',
      n: 2,
      logprobs: 1,
      temperature: 0,
      max_tokens: 2,
    });
    assert.deepEqual(answer.choices.map((c) => c.text), [', wor', ', wor']);
    assert.deepEqual(answer.choices[1].logprobs.tokens, [',', ' wor']);
  },

  async 'tools are called'() {
    const answer = await client.chat.completions.create({ ...hello, tools });
    assert.equal(answer.choices[0].finish_reason, 'tool_calls');
    const call = answer.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, 'get_weather');
    assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Paris' });
    const next = await client.chat.completions.create({
      ...hello,
      messages: [
        ...hello.messages,
        answer.choices[0].message,
        { role: 'tool', tool_call_id: call.id, content: 'rain' },
      ],
    });
    assert.equal(next.choices[0].message.content, 'Hello, world!');
  },

  async 'streamed tool calls are put together by the client'() {
    const runner = client.chat.completions.stream({ ...hello, tools });
    const message = await runner.finalMessage();
    assert.equal(message.tool_calls[0].function.name, 'get_weather');
    assert.deepEqual(JSON.parse(message.tool_calls[0].function.arguments), { city: 'Paris' });
  },

  async 'errors are those of the client'() {
    await assert.rejects(client.chat.completions.create({ ...hello, model: 'other' }), (e) => {
      assert.ok(e instanceof OpenAI.NotFoundError);
      assert.equal(e.code, 'model_not_found');
      assert.equal(e.param, 'model');
      return true;
    });
    await assert.rejects(client.chat.completions.create({ ...hello, temperature: 9 }), (e) => {
      assert.ok(e instanceof OpenAI.BadRequestError);
      assert.equal(e.param, 'temperature');
      return true;
    });
    const stranger = new OpenAI({ baseURL, apiKey: 'wrong', maxRetries: 0 });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  },

  async 'an aborted stream frees its place'() {
    // Without the end of text the model goes on to the end of its context.
    const endless = { ...hello, logit_bias: { 1: -100 }, stream: true };
    const stream = await client.chat.completions.create(endless);
    for await (const _ of stream) {
      stream.controller.abort();
      break;
    }
    const url = baseURL.replace(/\/v1$/, '/metrics');
    const headers = { Authorization: 'Bearer secret' };
    for (;;) {
      const text = await (await fetch(url, { headers })).text();
      if (/^fusionc_sessions_live 0/m.test(text)) break;
      await new Promise((done) => setTimeout(done, 20));
    }
    await client.chat.completions.create(hello);
  },
};

for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok: ${name}`);
  } catch (e) {
    console.error(`failed: ${name}\n${e.stack}`);
    process.exit(1);
  }
}
