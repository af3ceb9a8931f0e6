{% include "template/parts/train_batches/" ~ framework ~ ".py" %}
