"""The table of layers with steps within, of embeddings, and of layers that do nothing at inference."""

from case_tools import FRAME, IMAGE, TIME, make, rows

RECURRENT_CASES = [
    *rows(
        "S",
        TIME,
        make("SimpleRNN", 4, return_sequences=True),
        make("SimpleRNN", 4, return_sequences=True, activation="relu", use_bias=False),
        make("GRU", 4, return_sequences=True),
        make("GRU", 4, return_sequences=True, reset_after=False),
        make("GRU", 4, return_sequences=True, use_bias=False),
        make("GRU", 4, return_sequences=True, reset_after=False, use_bias=False),
        make("GRU", 4, return_sequences=True, activation="softsign", recurrent_activation="hard_sigmoid"),
        make("GRU", 4, return_sequences=True, dropout=0.2, recurrent_dropout=0.2),
        make("LSTM", 4, return_sequences=True),
        make("LSTM", 4, return_sequences=True, use_bias=False),
        make("LSTM", 4, return_sequences=True, unit_forget_bias=False),
        make("LSTM", 4, return_sequences=True, activation="gelu", recurrent_activation="sparse_sigmoid"),
        make("RNN", make("GRUCell", 4), return_sequences=True),
        make("RNN", make("LSTMCell", 4, activation="relu6"), return_sequences=True),
        make("RNN", make("SimpleRNNCell", 4), return_sequences=True),
        make("RNN", make("StackedRNNCells", [make("GRUCell", 4), make("LSTMCell", 2)]), return_sequences=True),
        make("RNN", [make("SimpleRNNCell", 4), make("GRUCell", 3), make("GRUCell", 5)], return_sequences=True),
    ),
    *rows("S", TIME, make("GRU", 4, return_sequences=True), make("LSTM", 4, return_sequences=True), library="tf_keras"),
    *rows(
        "S",
        TIME,
        make("LSTM", 4, return_sequences=True, recurrent_activation="hard_sigmoid"),
        make("GRU", 4, return_sequences=True, reset_after=False, recurrent_activation="hard_sigmoid"),
        library="tf_keras",
    ),
    *rows(
        "F",
        FRAME,
        make("SimpleRNN", 4),
        make("SimpleRNN", 4, go_backwards=True, return_sequences=True),
        make("SimpleRNN", 4, return_state=True),
        make("GRU", 4),
        make("GRU", 4, reset_after=False, go_backwards=True),
        make("GRU", 4, go_backwards=True, return_sequences=True),
        make("GRU", 4, unroll=True),
        make("GRU", 4, return_state=True, return_sequences=True),
        make("LSTM", 4),
        make("LSTM", 4, go_backwards=True),
        make("LSTM", 4, go_backwards=True, return_sequences=True),
        make("LSTM", 4, return_state=True),
        make("LSTM", 4, return_state=True, return_sequences=True, go_backwards=True),
        make("RNN", make("StackedRNNCells", [make("GRUCell", 4), make("GRUCell", 2)])),
        make("RNN", make("StackedRNNCells", [make("LSTMCell", 4), make("GRUCell", 2)])),
    ),
]

WRAPPER_CASES = [
    *rows(
        "F",
        FRAME,
        make("Bidirectional", make("GRU", 4)),
        make("Bidirectional", make("GRU", 4, return_sequences=True)),
        make("Bidirectional", make("LSTM", 4, return_sequences=True), merge_mode="sum"),
        make("Bidirectional", make("LSTM", 4), merge_mode="mul"),
        make("Bidirectional", make("SimpleRNN", 4, return_sequences=True), merge_mode="ave"),
        make("Bidirectional", make("GRU", 4, return_sequences=True, use_bias=False), merge_mode=None),
        make("Bidirectional", make("LSTM", 4, return_sequences=True, return_state=True)),
        make(
            "Bidirectional",
            make("GRU", 4, return_sequences=True),
            backward_layer=make("GRU", 4, return_sequences=True, go_backwards=True, reset_after=False),
        ),
    ),
    *rows("F", FRAME, make("Bidirectional", make("LSTM", 4, return_sequences=True)), library="tf_keras"),
    *rows(
        "S",
        TIME,
        make("TimeDistributed", make("Dense", 4)),
        make("TimeDistributed", make("Activation", "tanh")),
        make("TimeDistributed", make("BatchNormalization")),
        make("TimeDistributed", make("LayerNormalization")),
        make("TimeDistributed", make("Dropout", 0.5)),
    ),
    *rows(
        "S", (None, 4, 3), make("TimeDistributed", make("Flatten")), make("TimeDistributed", make("Permute", (2, 1)))
    ),
    *rows(
        "S",
        (None, 4, 3),
        make("TimeDistributed", make("GlobalMaxPooling1D")),
        make("TimeDistributed", make("MaxPooling1D", 2)),
        make("TimeDistributed", make("Softmax", axis=1)),
    ),
    *rows("S", (None, 5, 5, 2), make("TimeDistributed", make("MaxPooling2D"))),
    *rows(
        "F",
        (5, 4, 3),
        make("TimeDistributed", make("Conv1D", 2, 3)),
        make("TimeDistributed", make("Conv1D", 2, 3, padding="same")),
        make("TimeDistributed", make("GRU", 2)),
        make("TimeDistributed", make("LSTM", 2, return_sequences=True)),
        make("TimeDistributed", make("Bidirectional", make("GRU", 2))),
    ),
    *rows(
        "F",
        (4, 5, 5, 2),
        make("TimeDistributed", make("Conv2D", 3, 2)),
        make("TimeDistributed", make("Conv2DTranspose", 3, 2)),
    ),
]

WRAPPER_CASES += [
    *rows(
        "S",
        TIME,
        make("SpectralNormalization", make("Dense", 4)),
        make("SpectralNormalization", make("Conv1D", 4, 3, padding="causal"), power_iterations=2),
        make("TimeDistributed", make("SpectralNormalization", make("Dense", 4))),
    ),
    *rows("F", IMAGE, make("SpectralNormalization", make("Conv2D", 4, 3))),
    *rows("F", (6,), make("SpectralNormalization", make("Embedding", 7, 3)), values="tokens"),
    *rows("S", TIME, make("SpectralNormalization", make("Dense", 4, use_bias=False)), library="tf_keras"),
]

# Models applied to each step. The first learns the shape of its input from what it is called on.
VECTORS = make("Sequential", [make("Dense", 4, activation="relu"), make("BatchNormalization")])
PICTURES = make(
    "Sequential",
    [
        make("Conv2D", 3, 2, activation="relu"),
        make("Sequential", [make("BatchNormalization"), make("MaxPooling2D")]),
        make("Flatten"),
        make("Dense", 3),
    ],
)
WRAPPER_CASES += [
    *rows("S", TIME, make("TimeDistributed", VECTORS)),
    *rows("S", TIME, make("TimeDistributed", VECTORS), library="tf_keras"),
    *rows(
        "S",
        (None, 4, 3),
        make("TimeDistributed", make("Sequential", [make("LayerNormalization"), make("Flatten"), make("Dense", 2)])),
    ),
    *rows("F", (4, 5, 5, 2), make("TimeDistributed", PICTURES)),
    *rows("F", (4, 5, 5, 2), make("TimeDistributed", PICTURES), library="tf_keras"),
    *rows("F", (2, 3, 5, 5, 2), make("TimeDistributed", make("TimeDistributed", PICTURES))),
    *rows("F", (5, 4, 3), make("TimeDistributed", make("Sequential", [make("Conv1D", 2, 3), make("GRU", 2)]))),
]

EMBEDDING_CASES = [
    *rows("S", (None, 1), make("Embedding", 7, 3), make("Embedding", 9, 1), values="tokens"),
    *rows("F", (6,), make("Embedding", 7, 3), values="tokens"),
    *rows("S", TIME, make("Masking"), make("Masking", mask_value=0.5)),
    *rows("F", (6,), make("Embedding", 7, 3, mask_zero=True), values="tokens"),
]

NO_OP_CASES = [
    *rows(
        "S",
        TIME,
        make("Dropout", 0.5),
        make("Dropout", 0.5, noise_shape=(None, 1, 3), seed=3),
        make("SpatialDropout1D", 0.5),
        make("AlphaDropout", 0.5),
        make("GaussianDropout", 0.5),
        make("GaussianNoise", 0.5),
        make("ActivityRegularization", l1=0.1, l2=0.1),
        make("Identity"),
    ),
    *rows(
        "S",
        IMAGE,
        make("SpatialDropout2D", 0.5),
        make("AugMix"),
        make("CutMix"),
        make("MixUp"),
        make("RandAugment"),
        make("RandomBrightness", 0.1),
        make("RandomColorDegeneration", 0.1),
        make("RandomColorJitter"),
        make("RandomContrast", 0.1),
        make("RandomElasticTransform"),
        make("RandomErasing"),
        make("RandomFlip"),
        make("RandomGaussianBlur"),
        make("RandomGrayscale"),
        make("RandomHue", 0.1),
        make("RandomInvert"),
        make("RandomPerspective"),
        make("RandomPosterization", 2),
        make("RandomRotation", 0.1),
        make("RandomSaturation", 0.1),
        make("RandomSharpness", 0.1),
        make("RandomShear", 0.1, 0.1),
        make("RandomTranslation", 0.1, 0.1),
        make("RandomZoom", 0.1),
    ),
]
